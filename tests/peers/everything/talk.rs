//! The tools and the prompt that ask the client something. What they ask is a `Script`, the same in both eras: a modern client
//! gets each round as an `InputRequiredResult` and calls again; an older one gets requests while its call is open.

use std::collections::BTreeMap;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, GetPromptRequestParams, GetPromptResponse,
    InputRequest, InputRequiredResult, InputResponses, RequestStateCodec, RequestStateError, SealOptions,
    ServerRequest,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::server::is_modern;
use crate::tools;

/// What is asked, round by round, and what is made of the answers.
pub(crate) struct Script {
    rounds: Vec<BTreeMap<&'static str, Value>>,
    /// Whether a modern client carries a state; without one there can be only one round.
    stateful: bool,
    conclude: fn(&InputResponses) -> String,
}

/// How far a script came with one request.
pub(crate) enum Turn {
    Asked(InputRequiredResult),
    Answered(String),
    /// The client could not or would not answer; told in the result.
    Failed(String),
}

pub(crate) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let Some(script) = script(request, context) else {
        return Ok(None);
    };
    if request.name == "test_streaming_elicitation" {
        tools::progress(context, 10.0).await;
    }
    let turn = take(
        &script,
        &request.name,
        request.input_responses.as_ref(),
        request.request_state.as_deref(),
        context,
    )
    .await?;
    Ok(Some(match turn {
        Turn::Asked(result) => CallToolResponse::InputRequired(result),
        Turn::Answered(text) => CallToolResponse::Complete(tools::text(&text)),
        Turn::Failed(text) => CallToolResponse::Complete(tools::shape(
            json!({ "content": [{ "type": "text", "text": text }], "isError": true }),
        )),
    }))
}

pub(crate) async fn prompt(
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Option<GetPromptResponse>, ErrorData> {
    if request.name != "test_input_required_result_prompt" {
        return Ok(None);
    }
    let question = form(
        "What context should the prompt use?",
        json!({ "context": { "type": "string" } }),
    );
    let script = one_round([("user_context", question)], |answers| {
        format!("A prompt about {}", member(answers, "user_context", "context"))
    });
    let turn = take(
        &script,
        &request.name,
        request.input_responses.as_ref(),
        request.request_state.as_deref(),
        context,
    )
    .await?;
    match turn {
        Turn::Asked(result) => Ok(Some(GetPromptResponse::InputRequired(result))),
        Turn::Answered(text) => Ok(Some(GetPromptResponse::Complete(tools::messages(vec![
            json!({ "type": "text", "text": text }),
        ])))),
        Turn::Failed(text) => Err(ErrorData::internal_error(text, None)),
    }
}

/// One turn of a script: of a modern client's, at most one round; of an older client's, all.
pub(crate) async fn take(
    script: &Script,
    subject: &str,
    responses: Option<&InputResponses>,
    state: Option<&str>,
    context: &RequestContext<RoleServer>,
) -> Result<Turn, ErrorData> {
    if is_modern(context) {
        modern_turn(script, subject, responses.cloned().unwrap_or_default(), state, context)
    } else {
        legacy_turn(script, context).await
    }
}

fn modern_turn(
    script: &Script,
    subject: &str,
    mut responses: InputResponses,
    state: Option<&str>,
    context: &RequestContext<RoleServer>,
) -> Result<Turn, ErrorData> {
    let (mut round, mut answers) = match state {
        Some(state) => open(state, subject)
            .map_err(|_| ErrorData::invalid_params("requestState is not one of this server's", None))?,
        // Answers without the state they belong to are a new call.
        None if script.stateful => {
            responses.clear();
            (0, InputResponses::new())
        }
        None => (0, InputResponses::new()),
    };
    if let Some(asked) = script.rounds.get(round) {
        responses.retain(|key, answer| asked.contains_key(key.as_str()) && answer.is_object());
        answers.append(&mut responses);
        if asked.keys().all(|key| answers.contains_key(*key)) {
            round += 1;
        }
    }
    let Some(asked) = script.rounds.get(round) else {
        return Ok(Turn::Answered((script.conclude)(&answers)));
    };
    let open_questions = asked.iter().filter(|(key, _)| !answers.contains_key(**key));
    let open_questions: BTreeMap<String, InputRequest> = open_questions
        .map(|(key, question)| ((*key).to_owned(), ask(question)))
        .collect();
    require(&open_questions, context)?;
    let state = script.stateful.then(|| seal(round, &answers, subject));
    Ok(Turn::Asked(InputRequiredResult::new(Some(open_questions), state)))
}

async fn legacy_turn(script: &Script, context: &RequestContext<RoleServer>) -> Result<Turn, ErrorData> {
    let mut answers = InputResponses::new();
    for (key, question) in script.rounds.iter().flatten() {
        let question = ask(question);
        if !can(&question, &context.client_capabilities().unwrap_or_default()) {
            return Ok(Turn::Failed(format!("the client cannot answer `{key}`")));
        }
        let request = match question {
            InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
            InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
            InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
            _ => {
                return Err(ErrorData::internal_error(
                    "a kind of question this server does not have",
                    None,
                ));
            }
        };
        match context.peer.send_request(request).await {
            Ok(result) => {
                let answer = serde_json::to_value(result).unwrap_or_default();
                answers.insert((*key).to_owned(), answer);
            }
            Err(error) => return Ok(Turn::Failed(format!("the client did not answer `{key}`: {error}"))),
        }
    }
    Ok(Turn::Answered((script.conclude)(&answers)))
}

fn script(request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Option<Script> {
    let argument = |name: &str| {
        let value = request
            .arguments
            .as_ref()
            .and_then(|all| all.get(name))
            .and_then(Value::as_str);
        value.unwrap_or("Hello").to_owned()
    };
    let name_form = || form("What is your name?", json!({ "name": { "type": "string" } }));
    Some(match request.name.as_ref() {
        "test_sampling" => one_round([("answer", sample(&argument("prompt"), 100))], |answers| {
            format!("LLM response: {}", said(answers, "answer"))
        }),
        "test_elicitation" => {
            let question = form(
                &argument("message"),
                json!({
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" },
                }),
            );
            one_round([("answer", question)], |answers| {
                format!(
                    "User response: action={}, content={}",
                    action(answers),
                    answers["answer"]["content"]
                )
            })
        }
        "test_elicitation_sep1034_defaults" => one_round([("answer", defaults_form())], completed),
        "test_elicitation_sep1330_enums" => one_round([("answer", choices_form())], completed),
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            one_round([("user_name", name_form())], greeting)
        }
        "test_input_required_result_sampling" => one_round(
            [("capital_question", sample("What is the capital of France?", 100))],
            |answers| said(answers, "capital_question"),
        ),
        "test_input_required_result_list_roots" => one_round([("client_roots", roots())], |answers| {
            format!("Roots: {}", answers["client_roots"]["roots"])
        }),
        "test_input_required_result_request_state" => {
            let question = form("Please confirm", json!({ "ok": { "type": "boolean" } }));
            stateful(vec![[("confirm", question)].into()], |_| "state-ok".to_owned())
        }
        "test_input_required_result_tampered_state" => {
            let question = form("Please confirm", json!({ "ok": { "type": "boolean" } }));
            stateful(vec![[("confirm", question)].into()], |_| {
                "The state is untouched".to_owned()
            })
        }
        "test_input_required_result_multiple_inputs" => {
            let round = [
                ("user_name", name_form()),
                ("greeting", sample("Generate a greeting", 50)),
                ("client_roots", roots()),
            ];
            stateful(vec![round.into()], |answers| {
                let (name, greeting) = (member(answers, "user_name", "name"), said(answers, "greeting"));
                format!("{greeting} {name}, your roots are {}", answers["client_roots"]["roots"])
            })
        }
        "test_input_required_result_multi_round" => {
            let first = form("Step 1: What is your name?", json!({ "name": { "type": "string" } }));
            let second = form(
                "Step 2: What is your favorite color?",
                json!({ "color": { "type": "string" } }),
            );
            stateful(vec![[("step1", first)].into(), [("step2", second)].into()], |answers| {
                format!(
                    "{} likes {}",
                    member(answers, "step1", "name"),
                    member(answers, "step2", "color")
                )
            })
        }
        "test_input_required_result_capabilities" => {
            let capabilities = context.client_capabilities().unwrap_or_default();
            let mut round: BTreeMap<&'static str, Value> = [
                ("user_name", name_form()),
                ("greeting", sample("Generate a greeting", 50)),
            ]
            .into();
            round.retain(|_, question| can(&ask(question), &capabilities));
            Script {
                rounds: vec![round],
                stateful: false,
                conclude: |answers| format!("Got {} answers", answers.len()),
            }
        }
        _ => return None,
    })
}

pub(crate) fn one_round<const N: usize>(
    round: [(&'static str, Value); N],
    conclude: fn(&InputResponses) -> String,
) -> Script {
    Script {
        rounds: vec![round.into()],
        stateful: false,
        conclude,
    }
}

fn stateful(rounds: Vec<BTreeMap<&'static str, Value>>, conclude: fn(&InputResponses) -> String) -> Script {
    Script {
        rounds,
        stateful: true,
        conclude,
    }
}

/// A question to the user; all fields are required.
#[allow(clippy::needless_pass_by_value, reason = "called with a `json!` made in place")]
pub(crate) fn form(message: &str, properties: Value) -> Value {
    let required: Vec<String> = properties
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    json!({ "method": "elicitation/create", "params": {
        "message": message,
        "requestedSchema": { "type": "object", "properties": properties, "required": required },
    } })
}

pub(crate) fn ask(question: &Value) -> InputRequest {
    serde_json::from_value(question.clone()).expect("the questions in this file fit their type")
}

pub(crate) fn greeting(answers: &InputResponses) -> String {
    format!("Hello, {}!", member(answers, "user_name", "name"))
}

fn sample(prompt: &str, max_tokens: u32) -> Value {
    json!({ "method": "sampling/createMessage", "params": {
        "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
        "maxTokens": max_tokens,
    } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

fn defaults_form() -> Value {
    let mut question = form(
        "Please check what is filled in",
        json!({
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        }),
    );
    question["params"]["requestedSchema"]["required"] = json!([]);
    question
}

fn choices_form() -> Value {
    let titled = |names: [(&str, &str); 3]| names.map(|(value, title)| json!({ "const": value, "title": title }));
    let plain = ["option1", "option2", "option3"];
    let first = titled([
        ("value1", "First Option"),
        ("value2", "Second Option"),
        ("value3", "Third Option"),
    ]);
    let many = titled([
        ("value1", "First Choice"),
        ("value2", "Second Choice"),
        ("value3", "Third Choice"),
    ]);
    let mut question = form(
        "Please choose",
        json!({
            "untitledSingle": { "type": "string", "enum": plain },
            "titledSingle": { "type": "string", "oneOf": first },
            "legacyEnum": {
                "type": "string", "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
            "titledMulti": { "type": "array", "items": { "anyOf": many } },
        }),
    );
    question["params"]["requestedSchema"]["required"] = json!([]);
    question
}

fn completed(answers: &InputResponses) -> String {
    format!(
        "Elicitation completed: action={}, content={}",
        action(answers),
        answers["answer"]["content"]
    )
}

fn action(answers: &InputResponses) -> &str {
    answers["answer"]["action"].as_str().unwrap_or("none")
}

/// A field of the form that was answered under `key`.
fn member(answers: &InputResponses, key: &str, field: &str) -> String {
    answers[key]["content"][field].as_str().unwrap_or("nobody").to_owned()
}

/// What the model said under `key`; its content is one block or a list of them.
fn said(answers: &InputResponses, key: &str) -> String {
    let content = &answers[key]["content"];
    let block = content.get(0).unwrap_or(content);
    block["text"].as_str().unwrap_or("nothing").to_owned()
}

fn can(question: &InputRequest, capabilities: &ClientCapabilities) -> bool {
    match question {
        InputRequest::CreateMessage(_) => capabilities.sampling.is_some(),
        InputRequest::Elicitation(_) => capabilities.elicitation.is_some(),
        InputRequest::ListRoots(_) => capabilities.roots.is_some(),
        _ => false,
    }
}

/// Refuses to ask what the client has not said it can answer.
fn require(questions: &BTreeMap<String, InputRequest>, context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    let declared = context.client_capabilities().unwrap_or_default();
    let Some(beyond) = questions.values().find(|question| !can(question, &declared)) else {
        return Ok(());
    };
    let builder = ClientCapabilities::builder();
    let required = match beyond {
        InputRequest::CreateMessage(_) => builder.enable_sampling().build(),
        InputRequest::ListRoots(_) => builder.enable_roots().build(),
        _ => builder.enable_elicitation().build(),
    };
    Err(ErrorData::missing_required_client_capability(required))
}

/// The state is signed, bound to the tool or prompt it is of, and short-lived.
fn codec() -> RequestStateCodec {
    RequestStateCodec::try_new(*b"peer-everything signs all its states").expect("the key is long enough")
}

fn seal(round: usize, answers: &InputResponses, subject: &str) -> String {
    let options = SealOptions::new()
        .associated_data(subject.as_bytes())
        .ttl(std::time::Duration::from_secs(600));
    codec()
        .seal_json_with(&(round, answers), &options)
        .expect("answers are JSON")
}

fn open(state: &str, subject: &str) -> Result<(usize, InputResponses), RequestStateError> {
    codec().open_json_with(state, subject.as_bytes())
}
