//! `[endpoint.NAME]`: what of which server clients see, and under which names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::Context;
use crate::config::grammar::{Given, List, MapEntry, Selector};
use crate::config::table;
use crate::diag::{Code, Finding, Place};
use crate::lock::Lock;
use crate::name::{EndpointName, ServerName};
use crate::snapshot::{Endpoint, Exposure, Globs, Limits, Selection, Subject, ToolNames, ToolOverride};
use crate::text;

type Locks = BTreeMap<ServerName, Arc<Lock>>;

pub(super) fn endpoints(locks: &Locks, context: &mut Context<'_>) -> BTreeMap<EndpointName, Endpoint> {
    let mut endpoints = BTreeMap::new();
    for entry in context.tables.endpoints.entries() {
        context.origin(Subject::Endpoint(entry.name.clone()), entry.place);
        let endpoint = endpoint(&entry.name, &entry.value, locks, context);
        shown_names(&entry.value, &endpoint, locks, context);
        endpoints.insert(entry.name.clone(), endpoint);
    }
    endpoints
}

fn endpoint(name: &EndpointName, table: &table::Endpoint, locks: &Locks, context: &mut Context<'_>) -> Endpoint {
    let (access_default, access_max) = access_duration(table, context);
    let exposure = match table.exposure.get() {
        Some(table::Exposure::Search) => {
            context.later(table.exposure.place(), "`exposure = \"search\"` is");
            Exposure::Search
        }
        None | Some(table::Exposure::List) => Exposure::List,
    };
    let mut servers = Vec::new();
    for entry in table.servers.entries() {
        context.origin(Subject::Selection(name.clone(), entry.name.clone()), entry.place);
        servers.push(selection(entry, locks, context));
    }
    let limits = table.limits.get();
    Endpoint {
        title: table
            .title
            .get()
            .map_or_else(|| name.to_string(), |title| title.0.clone()),
        description: table.description.get().map(|text| text.0.clone()),
        pii: context.pii(&table.pii),
        tool_names: match table.tool_names.get() {
            Some(table::ToolNames::Tool) => ToolNames::Tool,
            None | Some(table::ToolNames::ServerAndTool) => ToolNames::ServerAndTool,
        },
        access_default,
        access_max,
        limits: Limits {
            calls_per_minute: limits
                .and_then(|limits| limits.calls_per_minute.get())
                .map(|count| count.0),
            call_timeout: limits.and_then(|limits| limits.call_timeout.get()).map(|time| time.0),
            response_body: limits.and_then(|limits| limits.response_body.get()).map(|size| size.0),
        },
        exposure,
        servers,
    }
}

fn access_duration(table: &table::Endpoint, context: &mut Context<'_>) -> (Duration, Duration) {
    const DAY: u64 = 86_400;
    let given = table.access_duration.get();
    let default = given.and_then(|given| given.default.get()).map(|time| time.0);
    let max = given.and_then(|given| given.max.get()).map(|time| time.0);
    if let (Some(default), Some(given)) = (default, given)
        && default > max.unwrap_or(Duration::from_secs(90 * DAY))
        && let Some(place) = given.default.place()
    {
        let mut finding = Finding::new(
            Code::AccessDuration,
            place,
            "the default access duration is longer than the longest",
        )
        .label("longer than `max`, which is 90d where it is not given")
        .help("write a shorter `default` or a longer `max`");
        if let Some(max) = given.max.place() {
            finding = finding.also(max, "the longest");
        }
        context.push(finding);
    }
    let max = max.unwrap_or(Duration::from_secs(90 * DAY));
    // A shorter `max` alone shortens the default too.
    (default.unwrap_or(Duration::from_secs(30 * DAY).min(max)), max)
}

fn selection(entry: &MapEntry<ServerName, table::Selection>, locks: &Locks, context: &mut Context<'_>) -> Selection {
    let table = &entry.value;
    let tables = context.tables;
    if tables.servers.find(entry.name.as_str()).is_none() {
        let known = tables
            .servers
            .entries()
            .iter()
            .map(|server| (server.name.as_str(), server.key));
        let finding = context.unknown(
            Code::UnknownServer,
            entry.key,
            entry.name.as_str(),
            "server",
            "server",
            known,
        );
        context.push_some(finding);
    }
    let selection = Selection {
        server: entry.name.clone(),
        tools: globs(&table.tools),
        prompts: globs(&table.prompts),
        resources: globs(&table.resources),
        overrides: table
            .overrides
            .entries()
            .iter()
            .map(|entry| (Arc::from(entry.name.as_str()), tool_override(&entry.value, context)))
            .collect(),
    };
    for tool in table.overrides.entries() {
        if !selection.tools.is_match(&tool.name) {
            unselected(tool, entry, context);
        }
    }
    if let Some(lock) = locks.get(&entry.name) {
        locked_tools(table, lock, context);
    }
    selection
}

fn unselected(
    tool: &MapEntry<String, table::ToolOverride>,
    entry: &MapEntry<ServerName, table::Selection>,
    context: &mut Context<'_>,
) {
    let name = text::safe(&tool.name);
    let mut finding = Finding::new(
        Code::UnselectedTool,
        tool.key,
        format!("the tool `{name}` is changed and not selected"),
    )
    .label("clients will not see it")
    .help(format!(
        "add `\"{name}\"` to `tools` of `{}`, or take this table away",
        entry.name
    ));
    if let Some(tools) = entry.value.tools.place() {
        finding = finding.also(tools, "what is selected");
    }
    context.push(finding);
}

/// Tools selected by exact name that the reviewed definitions do not have: a misspelling, or not reviewed yet.
fn locked_tools(table: &table::Selection, lock: &Lock, context: &mut Context<'_>) {
    for item in table.tools.items().iter().filter(|item| !item.value.without) {
        let Some(name) = item.value.pattern.literal().filter(|name| lock.tool(name).is_none()) else {
            continue;
        };
        let near = crate::config::grammar::similar(name, lock.tools().map(|(name, _)| &**name));
        context.push(
            Finding::new(
                Code::UnknownTool,
                item.place,
                format!("the lock has no tool `{}`", text::safe(name)),
            )
            .label("will not be served")
            .help(match near {
                Some(near) => format!("write `\"{}\"`, or run `mcpgw lock --update`", text::safe(near)),
                None => "run `mcpgw lock --update` and review what changed".to_owned(),
            }),
        );
    }
}

fn globs<const PATH: bool>(given: &Given<List<Selector<PATH>>>) -> Globs {
    let side = |without| {
        given
            .values()
            .filter(move |selector| selector.without == without)
            .map(|selector| selector.pattern.clone())
            .collect()
    };
    Globs {
        with: side(false),
        without: side(true),
    }
}

fn tool_override(table: &table::ToolOverride, context: &mut Context<'_>) -> ToolOverride {
    if let Some((name, place)) = table.name.with_place() {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.0.len() > 128 || !name.0.bytes().all(good) {
            context.push(
                Finding::new(Code::InvalidToolName, place, "clients refuse this name of a tool")
                    .label("not up to 128 letters, digits, `_`, `-` and `.`")
                    .help("write for example `name = \"file_bug\"`"),
            );
        }
    }
    let limits = table.limits.get();
    ToolOverride {
        name: table.name.get().map(|name| name.0.clone()),
        description: table.description.get().map(|text| text.0.clone()),
        limits: Limits {
            calls_per_minute: limits
                .and_then(|limits| limits.calls_per_minute.get())
                .map(|count| count.0),
            call_timeout: limits.and_then(|limits| limits.call_timeout.get()).map(|time| time.0),
            response_body: limits.and_then(|limits| limits.response_body.get()).map(|size| size.0),
        },
    }
}

struct Shown<'a> {
    name: String,
    place: Place,
    server: &'a ServerName,
    tool: &'a str,
    /// Written in the files, or recorded in a lock: no server can take it back.
    certain: bool,
}

/// Collisions that no server's answer can undo. What only live lists can show is decided, and told, when they come.
fn shown_names(table: &table::Endpoint, endpoint: &Endpoint, locks: &Locks, context: &mut Context<'_>) {
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for (entry, selection) in table.servers.entries().iter().zip(&endpoint.servers) {
        shown.extend(names_of(entry, selection, endpoint.tool_names, locks.get(&entry.name)));
    }
    let mut first: HashMap<&str, &Shown<'_>> = HashMap::new();
    for one in &shown {
        let Some(other) = first.get(one.name.as_str()) else {
            first.insert(&one.name, one);
            continue;
        };
        if one.certain && other.certain {
            context.push(
                Finding::new(
                    Code::ShownNameCollision,
                    one.place,
                    format!("two tools are shown as `{}`", text::safe(&one.name)),
                )
                .label(one.full_name())
                .also(other.place, other.full_name())
                .help("give one of them another `name`, or take it out of `tools`"),
            );
        }
    }
}

impl Shown<'_> {
    fn full_name(&self) -> String {
        format!("`{}/{}`", self.server, text::safe(self.tool))
    }
}

fn names_of<'a>(
    entry: &'a MapEntry<ServerName, table::Selection>,
    selection: &Selection,
    tool_names: ToolNames,
    lock: Option<&'a Arc<Lock>>,
) -> Vec<Shown<'a>> {
    let mut tools: BTreeMap<&str, Place> = BTreeMap::new();
    for item in entry.value.tools.items() {
        if let Some(name) = item.value.pattern.literal() {
            tools.insert(name, item.place);
        }
    }
    for (name, _) in lock.iter().flat_map(|lock| lock.tools()) {
        tools.entry(name).or_insert(entry.place);
    }
    for renamed in entry.value.overrides.entries() {
        tools.insert(&renamed.name, renamed.key);
    }
    tools.retain(|name, _| selection.tools.is_match(name));
    tools
        .into_iter()
        .map(|(tool, place)| {
            let own = selection.overrides.get(tool).and_then(|change| change.name.clone());
            let renamed = own.is_some();
            let name = own.unwrap_or_else(|| tool_names.of(&entry.name, tool));
            let locked = lock.is_some_and(|lock| lock.tool(tool).is_some());
            Shown {
                name,
                place,
                certain: renamed || locked || tool_names == ToolNames::ServerAndTool,
                server: &entry.name,
                tool,
            }
        })
        .collect()
}
