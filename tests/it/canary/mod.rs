//! "The original is never stored or logged": canaries in every place where a value can stand, and a search of everything that the gateway
//! has written or shown. docs/redaction.md has the promise and the command.

mod canaries;
mod client;
mod world;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::canary::canaries::Found;
use crate::canary::world::{WAYS, World};

/// Places in what servers say; server.py has the same words.
const SERVER: [&str; 60] = [
    "server-name",
    "server-title",
    "server-version",
    "server-instructions",
    "schema-description",
    "schema-default",
    "schema-extra",
    "listed-tool-name",
    "tool-title",
    "tool-description",
    "prompt-argument-description",
    "listed-prompt-name",
    "prompt-description",
    "resource-title",
    "resource-description",
    "listed-resource-uri",
    "resource-name",
    "resource-without-uri",
    "template-description",
    "prompt-text",
    "prompt-result-description",
    "resource-blob",
    "resource-text",
    "completion-value",
    "embedded-blob",
    "escaped-inside-string",
    "result-text",
    "json-inside-string",
    "embedded-text",
    "link-name",
    "link-description",
    "result-number",
    "result-meta",
    "result-key",
    "structured",
    "error-message",
    "error-data-key",
    "error-data",
    "unknown-method-message",
    "stdout-noise",
    "stdout-noise-cut",
    "stdout-broken-json",
    "stdout-not-a-message",
    "stdout-unknown-id",
    "stdout-unknown-result",
    "stdout-unknown-method",
    "stdout-unknown-params",
    "stdout-unknown-notification",
    "stderr",
    "stderr-json",
    "stderr-escaped",
    "stderr-percent",
    "stderr-long-line",
    "stderr-utf-16",
    "stderr-no-utf-8",
    "stderr-without-end",
    "stderr-at-start",
    "stderr-of-a-crash",
    "http-get-body",
    "log-logger",
];
const ASKING: [&str; 6] = [
    "log-data",
    "progress",
    "elicitation-schema",
    "elicitation-message",
    "sampling-text",
    "sampling-system",
];

/// What may be found, and why: (place, beginning of the source, reason). Each is in docs/redaction.md.
const DELIBERATE: [(&str, &str, &str); 37] = [
    ("header-version", ANSWER, ITS_OWN),
    ("id-of-method", ANSWER, ITS_OWN),
    ("progress-token", ANSWER, ITS_OWN),
    ("request-id", ANSWER, ITS_OWN),
    ("request-method", ANSWER, ITS_OWN),
    ("subscribed-uri", ANSWER, ITS_OWN),
    ("unknown-prompt", ANSWER, ITS_OWN),
    ("unknown-tool", ANSWER, ITS_OWN),
    ("unknown-uri", ANSWER, ITS_OWN),
    ("uri-no-uri", ANSWER, ITS_OWN),
    ("uri-of-denied", ANSWER, ITS_OWN),
    ("uri-of-template", ANSWER, ITS_OWN),
    ("listed-prompt-name", ANSWER, NAME),
    ("listed-resource-uri", ANSWER, NAME),
    ("listed-tool-name", ANSWER, NAME),
    ("stdout-unknown-method", ANSWER, NAME),
    ("listed-tool-name", ".mcpgw/audit.jsonl", NAME),
    ("listed-tool-name", "mcpgw logs", NAME),
    ("listed-tool-name", "traces", NAME),
    ("listed-resource-uri", ".mcpgw/audit.jsonl", ANSWERED),
    ("listed-resource-uri", "mcpgw logs", ANSWERED),
    ("uri-of-template", ".mcpgw/audit.jsonl", ANSWERED),
    ("uri-of-template", "mcpgw logs", ANSWERED),
    ("listed-prompt-name", CATALOGUE, DEFINITION),
    ("listed-resource-uri", CATALOGUE, DEFINITION),
    ("listed-tool-name", CATALOGUE, DEFINITION),
    ("prompt-argument-description", CATALOGUE, DEFINITION),
    ("prompt-description", CATALOGUE, DEFINITION),
    ("resource-description", CATALOGUE, DEFINITION),
    ("resource-name", CATALOGUE, DEFINITION),
    ("resource-title", CATALOGUE, DEFINITION),
    ("schema-default", CATALOGUE, DEFINITION),
    ("schema-description", CATALOGUE, DEFINITION),
    ("schema-extra", CATALOGUE, DEFINITION),
    ("template-description", CATALOGUE, DEFINITION),
    ("tool-description", CATALOGUE, DEFINITION),
    ("tool-title", CATALOGUE, DEFINITION),
];
const ANSWER: &str = "answer to ";
const CATALOGUE: &str = "control /v1/catalogue";
const ANSWERED: &str = "a recorded answer has the `uri` of a resource as the client got it";
const ITS_OWN: &str = "a client is told its own ids, and the name that it asked for";
const NAME: &str = "what is asked for by its name or address keeps it";
const DEFINITION: &str = "locks and plans compare what a server publishes, byte for byte";

#[tokio::test(flavor = "multi_thread")]
async fn with_a_log_for_programs_no_canary_is_found() {
    nothing_is_found("json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_log_for_people_no_canary_is_found() {
    nothing_is_found("text").await;
}

async fn nothing_is_found(log_format: &str) {
    let broken: Vec<&'static str> = ["early", "listing", "late"]
        .iter()
        .flat_map(|when| WAYS.map(|how| &*format!("{when}-{how}").leak()))
        .collect();
    let places: Vec<&'static str> = SERVER.into_iter().chain(ASKING).chain(broken.iter().copied()).collect();
    let world = World::start(log_format, &places).await;
    let mut sources = client::say_everything(&world, &broken).await;
    // What was said before is written by then.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !world.stderr().contains("stderr-ends-here") {
        assert!(Instant::now() < deadline, "the child's last line is not logged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.collector.spans(60).await;
    sources.extend(world.views());
    let said = world.said();
    let unsaid: Vec<_> = places
        .iter()
        .filter(|place| !said.lines().any(|line| line == **place))
        .collect();
    assert!(unsaid.is_empty(), "no server has said {unsaid:?}");

    let (canaries, written) = world.abort();
    sources.extend(written);
    for expected in [".mcpgw/audit.jsonl", "stderr", "traces", "mcpgw.toml"] {
        let bytes = &sources.iter().find(|(source, _)| source == expected).expect(expected).1;
        assert!(!bytes.is_empty(), "{expected}");
    }
    let mut used = BTreeSet::new();
    let found: Vec<Found> = canaries
        .search(&sources)
        .into_iter()
        .filter(|found| {
            let deliberate = DELIBERATE
                .iter()
                .position(|(place, source, _)| found.place == *place && found.source.starts_with(source));
            used.extend(deliberate);
            deliberate.is_none()
        })
        .collect();
    let told: Vec<String> = found
        .iter()
        .map(
            |Found {
                 place,
                 source,
                 form,
                 around,
             }| format!("{place}: {form}: in {source}: …{around}…"),
        )
        .collect();
    assert!(
        told.is_empty(),
        "{} canaries are found:\n{}",
        told.len(),
        told.join("\n")
    );
    let unused: Vec<_> = (0..DELIBERATE.len())
        .filter(|at| !used.contains(at))
        .map(|at| DELIBERATE[at])
        .collect();
    assert!(unused.is_empty(), "not found any more: {unused:?}");
}
