//! A client made with `rmcp`: `peer-client legacy|modern`, the job on stdin, one JSON array on stdout.
//! The job and the answer are told in tests/peers/run.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program talks on its streams"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    GetPromptRequestParams, Implementation, JsonObject, ProgressNotificationParam, ProtocolVersion,
    ReadResourceRequestParams,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, RunningService, ServiceError};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, ErrorData, RoleClient};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Job {
    url: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    elicitation: bool,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    r#do: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    uri: String,
    arguments: Option<JsonObject>,
    /// How many progress notifications a call must bring; none, and they are not told.
    #[serde(default)]
    progress: usize,
}

/// How long notifications may come after the result: `rmcp` hands them to tasks of their own, which may lag behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says yes to every form, and notes every progress.
#[derive(Clone)]
struct Handler {
    elicitation: bool,
    progress: watch::Sender<Vec<f64>>,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let capabilities = if self.elicitation {
            ClientCapabilities::builder().enable_elicitation().build()
        } else {
            ClientCapabilities::default()
        };
        ClientConfig::new(capabilities, Implementation::new("rmcp-client", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        _request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "name": "Alice" })))
    }

    async fn on_progress(&self, notification: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        self.progress.send_modify(|seen| seen.push(notification.progress));
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("peer-client: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let lifecycle = match std::env::args().nth(1).as_deref() {
        Some("legacy") => ClientLifecycleMode::Initialize,
        Some("modern") => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
        _ => return Err("say `legacy` or `modern`".into()),
    };
    let job: Job = serde_json::from_reader(std::io::stdin())?;
    let handler = Handler {
        elicitation: job.elicitation,
        progress: watch::Sender::new(Vec::new()),
    };
    let client = connect(&job, handler.clone(), lifecycle).await?;
    let mut seen = Vec::new();
    for step in job.steps {
        handler.progress.send_modify(Vec::clear);
        seen.push(match take(client.peer(), &client, step, &handler).await {
            Ok(value) => json!({ "ok": value }),
            Err(ServiceError::McpError(error)) => json!({ "error": { "code": error.code, "message": error.message } }),
            Err(error) => json!({ "error": { "code": null, "message": error.to_string() } }),
        });
    }
    println!("{}", Value::Array(seen));
    client.cancel().await?;
    Ok(())
}

async fn connect(
    job: &Job,
    handler: Handler,
    lifecycle: ClientLifecycleMode,
) -> Result<RunningService<RoleClient, Handler>, Failure> {
    if let Some(url) = &job.url {
        let transport = StreamableHttpClientTransport::from_uri(url.clone());
        return Ok(handler.serve_with_lifecycle(transport, lifecycle).await?);
    }
    let [program, arguments @ ..] = job.command.as_deref().unwrap_or_default() else {
        return Err("the job has neither `url` nor `command`".into());
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(&job.env);
    Ok(handler
        .serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle)
        .await?)
}

async fn take(
    peer: &Peer<RoleClient>,
    client: &RunningService<RoleClient, Handler>,
    step: Step,
    handler: &Handler,
) -> Result<Value, ServiceError> {
    Ok(match step.r#do.as_str() {
        "tools" => json!(peer.list_all_tools().await?),
        "prompts" => json!(peer.list_all_prompts().await?),
        "resources" => json!(peer.list_all_resources().await?),
        "prompt" => {
            let mut request = GetPromptRequestParams::new(step.name);
            request.arguments = step.arguments;
            json!(client.get_prompt(request).await?)
        }
        "read" => json!(client.read_resource(ReadResourceRequestParams::new(step.uri)).await?),
        "call" => {
            let mut request = CallToolRequestParams::new(step.name);
            request.arguments = step.arguments;
            let result = json!(client.call_tool(request).await?);
            if step.progress == 0 {
                return Ok(result);
            }
            let mut progress = handler.progress.subscribe();
            // Too few in time are told as they are: the runner compares.
            let _ = timeout(PATIENCE, progress.wait_for(|seen| seen.len() >= step.progress)).await;
            let seen = progress.borrow().clone();
            json!({ "result": result, "progress": seen })
        }
        other => {
            return Err(ServiceError::McpError(ErrorData::invalid_params(
                format!("unknown step {other}"),
                None,
            )));
        }
    })
}
