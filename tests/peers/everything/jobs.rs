//! The tools of the tasks extension (2026-07-28): work that a client follows with `tasks/get`, answers with `tasks/update` and
//! ends with `tasks/cancel`.

use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult};
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskContext, TaskExit, TaskOptions};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::server::Everything;
use crate::talk::{self, Turn};
use crate::tools;

/// `None` if the tool is not one of these.
pub(crate) async fn call(
    server: &Everything,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let follows = context
        .client_capabilities()
        .is_some_and(|capabilities| capabilities.supports_tasks());
    let argument = |name: &str| request.arguments.as_ref().and_then(|all| all.get(name)).cloned();
    let response = match request.name.as_ref() {
        "greet" => {
            let name = argument("name").unwrap_or_else(|| json!("World"));
            CallToolResponse::Complete(tools::text(&format!("Hello, {}!", name.as_str().unwrap_or_default())))
        }
        "slow_compute" => {
            let seconds = argument("seconds")
                .as_ref()
                .and_then(Value::as_f64)
                .unwrap_or(1.0)
                .clamp(0.0, 60.0);
            if follows {
                spawn(server, move |task| Box::pin(compute(Some(task), seconds)))
            } else {
                let result = compute(None, seconds).await;
                CallToolResponse::Complete(result.map_err(|_| ErrorData::internal_error("cancelled", None))?)
            }
        }
        "test_tool_with_task" => {
            let name = json!({ "name": { "type": "string" } });
            let script = talk::one_round([("user_name", talk::form("What is your name?", name))], talk::greeting);
            let (responses, state) = (request.input_responses.as_ref(), request.request_state.as_deref());
            match talk::take(&script, &request.name, responses, state, context).await? {
                Turn::Asked(result) => CallToolResponse::InputRequired(result),
                Turn::Failed(why) => return Err(ErrorData::internal_error(why, None)),
                Turn::Answered(_) if !follows => return Err(tasks_required()),
                Turn::Answered(text) => spawn(server, move |_| Box::pin(async move { Ok(tools::text(&text)) })),
            }
        }
        "failing_job" | "protocol_error_job" | "confirm_delete" | "multi_input" if !follows => {
            return Err(tasks_required());
        }
        "failing_job" => spawn(server, |_| Box::pin(fail())),
        "protocol_error_job" => spawn(server, |_| {
            Box::pin(async { Err(TaskExit::Error(ErrorData::internal_error("the job broke", None))) })
        }),
        "confirm_delete" => {
            let file = argument("filename")
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or("it")
                .to_owned();
            spawn(server, move |task| Box::pin(confirm(task, file)))
        }
        "multi_input" => spawn(server, |task| Box::pin(ask_twice(task))),
        _ => return Ok(None),
    };
    Ok(Some(response))
}

fn spawn<F>(server: &Everything, work: F) -> CallToolResponse
where
    F: FnOnce(TaskContext) -> rmcp::task_manager::TaskFuture,
{
    let options = TaskOptions::new().with_ttl_ms(300_000_u64).with_poll_interval_ms(100);
    CallToolResponse::Task(CreateTaskResult::new(server.shared.tasks.spawn(options, work)))
}

fn tasks_required() -> ErrorData {
    ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_tasks().build())
}

async fn compute(task: Option<TaskContext>, seconds: f64) -> Result<CallToolResult, TaskExit> {
    let sleep = tokio::time::sleep(Duration::from_secs_f64(seconds));
    if let Some(task) = task {
        tokio::select! {
            () = task.cancelled() => return Err(TaskExit::Cancelled),
            () = sleep => {}
        }
    } else {
        sleep.await;
    }
    Ok(tools::text(&format!("Slept for {seconds} seconds")))
}

async fn fail() -> Result<CallToolResult, TaskExit> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(tools::shape(
        json!({ "content": [{ "type": "text", "text": "The job failed" }], "isError": true }),
    ))
}

async fn confirm(task: TaskContext, file: String) -> Result<CallToolResult, TaskExit> {
    let question = talk::form(&format!("Delete {file}?"), json!({ "confirm": { "type": "boolean" } }));
    let answer = task.request_input("confirm", talk::ask(&question)).await?;
    let deleted = answer["content"]["confirm"].as_bool().unwrap_or(false);
    Ok(tools::text(&if deleted {
        format!("Deleted {file}")
    } else {
        format!("Kept {file}")
    }))
}

async fn ask_twice(task: TaskContext) -> Result<CallToolResult, TaskExit> {
    let first = talk::form("The first of two?", json!({ "value": { "type": "string" } }));
    let second = talk::form("The second of two?", json!({ "value": { "type": "string" } }));
    let (first, second) = tokio::join!(
        task.request_input("first", talk::ask(&first)),
        task.request_input("second", talk::ask(&second)),
    );
    Ok(tools::text(&format!(
        "Got {} and {}",
        first?["content"], second?["content"]
    )))
}
