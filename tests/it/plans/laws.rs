//! What every plan obeys, whatever the two configurations are.

use std::collections::{BTreeMap, BTreeSet};

use mcpgw::compile::Compiled;
use mcpgw::name::{Caller, EndpointName, Member, Principal, ServerName};
use mcpgw::plan::{
    Action, Catalogue, Direction, Kind, Outcome, Place, Places, Plan, Setting, Side, Table, Target, Value, Who, Word,
    diff,
};
use mcpgw::snapshot::Snapshot;
use mcpgw::snapshot::access::{Arguments, Decision, Object, ObjectKind, Rights};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::generate::pairs;

/// `PROPTEST_CASES` asks for more or fewer.
fn cases() -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(if cfg!(debug_assertions) { 400 } else { 5_000 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_of_configurations_obeys((one, other) in pairs()) {
        let (Some(one), Some(other)) = (one.compiled(), other.compiled()) else {
            return Err(TestCaseError::reject("the parts do not go together"));
        };
        let (one, other) = (Judged::of(one), Judged::of(other));
        nothing_lies_between_a_side_and_itself(&one)?;
        let plan = between(&one, &other);
        prop_assert_eq!(&plan, &between(&one, &other), "the same sides, the same plan");
        prop_assert_eq!(plan.is_empty(), one.snapshot == other.snapshot);
        replaying_the_changes_gives_the_other_side(&one, &other, &plan)?;
        singles_agree_with_the_gate(&one.snapshot, &other.snapshot, &plan)?;
        pairs_say_what_their_parts_do_not(&one.snapshot, &other.snapshot, &plan)?;
        no_call_is_newly_allowed_untold(&one.snapshot, &other.snapshot, &plan)?;
    }
}

struct Judged {
    snapshot: Snapshot,
    places: Places,
}

impl Judged {
    fn of(compiled: Compiled) -> Self {
        let place = |origin: &mcpgw::compile::Origin| Place {
            file: origin.file.clone(),
            line: origin.line,
            column: origin.column,
        };
        Self {
            places: compiled
                .origins
                .iter()
                .map(|(subject, origin)| (subject.clone(), place(origin)))
                .collect(),
            snapshot: compiled.snapshot.unwrap(),
        }
    }
}

fn between(one: &Judged, other: &Judged) -> Plan {
    let files = BTreeMap::new();
    let current = Side {
        snapshot: &one.snapshot,
        places: &one.places,
        files: &files,
    };
    let proposed = Side {
        snapshot: &other.snapshot,
        places: &other.places,
        files: &files,
    };
    diff(&current, &proposed, &Catalogue::default())
}

fn nothing_lies_between_a_side_and_itself(one: &Judged) -> Result<(), TestCaseError> {
    let none = between(one, one);
    prop_assert!(none.is_empty());
    prop_assert!(!none.widens_access() && !none.widens_exposure() && !none.has_unknown());
    prop_assert!(none.access.is_empty() && none.traffic.lines.is_empty());
    Ok(())
}

type Tables = BTreeMap<Table, BTreeMap<String, Setting>>;

/// All tables as they would be added to nothing.
fn tables(judged: &Judged) -> Tables {
    let nothing = Judged {
        snapshot: Snapshot::default(),
        places: Places::new(),
    };
    let mut all = Tables::new();
    apply(&mut all, &between(&nothing, judged));
    all
}

fn apply(tables: &mut Tables, plan: &Plan) {
    let order = "order of servers";
    // Servers that come stand last, unless the plan says otherwise.
    for change in plan
        .changes
        .tables
        .iter()
        .filter(|change| change.table.kind == Kind::Selection)
    {
        let (endpoint, server) = change.table.name.split_once(".server.").unwrap();
        let endpoint = Table {
            kind: Kind::Endpoint,
            name: endpoint.to_owned(),
        };
        let Some(keys) = tables.get_mut(&endpoint) else {
            continue;
        };
        let mut servers = match keys.get(order).map(|setting| setting.value.clone()) {
            Some(Value::List(words)) => words,
            _ => Vec::new(),
        };
        let name = format!("\"{server}\"");
        match change.action {
            Action::Add => {
                servers.push(Word::plain(&name));
            }
            Action::Remove => servers.retain(|word| word.as_str() != name),
            Action::Change => {}
        }
        if servers.is_empty() {
            keys.remove(order);
        } else {
            let value = Value::List(servers);
            keys.insert(
                order.to_owned(),
                Setting {
                    key: order.to_owned(),
                    value,
                    is_default: false,
                },
            );
        }
    }
    for change in &plan.changes.tables {
        if change.action == Action::Remove {
            tables.remove(&change.table);
            continue;
        }
        let keys = tables.entry(change.table.clone()).or_default();
        for row in &change.rows {
            match &row.proposed {
                // What a gateway without a table has is not told of it.
                Some(setting) if change.table.kind == Kind::Gateway && setting.is_default => {
                    keys.remove(&row.key);
                }
                Some(setting) => {
                    keys.insert(row.key.clone(), setting.clone());
                }
                None => {
                    keys.remove(&row.key);
                }
            }
        }
    }
    tables.retain(|table, keys| table.kind != Kind::Gateway || !keys.is_empty());
}

fn replaying_the_changes_gives_the_other_side(one: &Judged, other: &Judged, plan: &Plan) -> Result<(), TestCaseError> {
    let (mut from, to) = (tables(one), tables(other));
    prop_assert_eq!(from == to, one.snapshot == other.snapshot, "every field has its key");
    apply(&mut from, plan);
    prop_assert_eq!(from, to);
    Ok(())
}

/// Every term that names somebody on either side.
fn terms(one: &Snapshot, other: &Snapshot) -> BTreeSet<Member> {
    let mut all = BTreeSet::new();
    for side in [one, other] {
        all.extend(side.roles.values().flat_map(|role| role.members.iter().cloned()));
        all.extend(side.groups.values().flat_map(|group| group.members.iter().cloned()));
        all.extend(side.users.keys().map(|name| Member::User(name.as_str().into())));
        all.extend(side.services.keys().map(|name| Member::Service(name.clone())));
    }
    all
}

/// Whoever has all these terms; nobody where a service has no table, or an account that could not sign in before.
fn caller(side: &Snapshot, other: &Snapshot, terms: &[&Member]) -> Option<Caller> {
    let mut caller = Caller {
        principal: Principal::User("".into()),
        groups: BTreeSet::new(),
    };
    for term in terms {
        match term {
            Member::Anonymous => caller.principal = Principal::Anonymous,
            Member::Authenticated => {}
            Member::Group(name) => {
                caller.groups.insert(name.clone());
            }
            Member::Service(name) => {
                caller.groups.extend(side.services.get(name)?.groups.iter().cloned());
                caller.principal = Principal::Service(name.clone());
            }
            Member::User(name) => {
                let table = side.users.get(&**name);
                let strangers = side.login.as_ref().is_some_and(|login| login.oidc.is_some());
                if table.is_none() && !strangers && other.users.contains_key(&**name) {
                    return None;
                }
                caller
                    .groups
                    .extend(table.iter().flat_map(|user| user.groups.iter().cloned()));
                caller.principal = Principal::User(name.clone());
            }
        }
    }
    Some(caller)
}

fn rights(one: &Snapshot, other: &Snapshot, terms: &[&Member]) -> [Option<Rights>; 2] {
    let of = |side, other| caller(side, other, terms).map(|caller| Rights::of(side, &caller));
    [of(one, other), of(other, one)]
}

fn outcome(rights: Option<&Rights>, endpoint: &EndpointName, object: Object<'_>) -> Outcome {
    match rights.map(|rights| rights.decide(endpoint, object, None)) {
        Some(Decision::Allowed { .. }) => Outcome::Allowed,
        Some(Decision::Conditional { .. }) => Outcome::Conditional,
        Some(Decision::Denied { .. }) | None => Outcome::Denied,
    }
}

/// Every tool that any lock, selection or rule of the generator can name, on every endpoint and server.
fn tools(one: &Snapshot, other: &Snapshot) -> Vec<(EndpointName, ServerName, &'static str)> {
    let endpoints: BTreeSet<&EndpointName> = one.endpoints.keys().chain(other.endpoints.keys()).collect();
    let mut all = Vec::new();
    for endpoint in endpoints {
        for server in super::generate::SERVERS {
            for tool in ["get_a", "get_b", "put_a", "del_a"] {
                all.push((endpoint.clone(), ServerName::new(server).unwrap(), tool));
            }
        }
    }
    all
}

type Line = (EndpointName, ServerName, String);

/// What the plan says of the tools of one principal.
fn told(plan: &Plan, is: impl Fn(&Who) -> bool) -> BTreeMap<Line, (Outcome, Outcome, Direction)> {
    let mut all = BTreeMap::new();
    for change in plan.access.changes.iter().filter(|change| change.who.iter().any(&is)) {
        for line in change.lines.iter().filter(|line| line.kind == ObjectKind::Tool) {
            if let Target::Named(name) = &line.target {
                let key = (change.endpoint.clone(), line.server.clone(), name.to_string());
                let twice = all.insert(key, (line.current, line.proposed, line.direction));
                assert!(twice.is_none(), "told twice: {change:?}");
            }
        }
    }
    all
}

fn is_known(one: &Snapshot, other: &Snapshot, server: &ServerName, tool: &str) -> bool {
    let locked = |side: &Snapshot| side.locks.get(server).is_some_and(|lock| lock.tool(tool).is_some());
    // Selections and rules of the generator write out these.
    let written = |side: &Snapshot| {
        let mut selections = side.endpoints.values().flat_map(|endpoint| &endpoint.servers);
        selections.any(|selection| {
            selection.server == *server
                && selection
                    .tools
                    .with
                    .iter()
                    .any(|pattern| pattern.literal() == Some(tool))
        })
    };
    locked(one) || locked(other) || written(one) || written(other)
}

fn singles_agree_with_the_gate(one: &Snapshot, other: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    for term in terms(one, other) {
        let [old, new] = rights(one, other, &[&term]);
        let told = told(plan, |who| *who == Who::One(term.clone()));
        for (endpoint, server, tool) in tools(one, other) {
            let object = Object::Tool { server: &server, tool };
            let before = outcome(old.as_ref(), &endpoint, object);
            let after = outcome(new.as_ref(), &endpoint, object);
            let line = told.get(&(endpoint.clone(), server.clone(), tool.to_owned()));
            match line {
                Some((current, proposed, direction)) => {
                    prop_assert_eq!(
                        (*current, *proposed),
                        (before, after),
                        "{} {} {}/{}",
                        term,
                        endpoint,
                        server,
                        tool
                    );
                    let expected = if before < after {
                        Direction::Widens
                    } else {
                        Direction::Narrows
                    };
                    prop_assert!(before == after || *direction == expected);
                }
                None if before == after => {}
                None => prop_assert!(
                    !is_known(one, other, &server, tool) && !in_rules(one, other, &server, tool),
                    "untold: {} {} {}/{}: {:?} -> {:?}",
                    term,
                    endpoint,
                    server,
                    tool,
                    before,
                    after
                ),
            }
        }
    }
    Ok(())
}

/// The generator's rules write out `alpha/get_a` and `beta/del_a`.
fn in_rules(one: &Snapshot, other: &Snapshot, server: &ServerName, tool: &str) -> bool {
    let text = format!("{server}/{tool}");
    [one, other]
        .iter()
        .any(|side| format!("{:?}", side.roles).contains(&format!("\"{text}\"")))
}

fn pairs_say_what_their_parts_do_not(one: &Snapshot, other: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    let joinable = |term: &Member| match term {
        Member::Group(_) => true,
        Member::User(name) => !one.users.contains_key(&**name) && !other.users.contains_key(&**name),
        Member::Anonymous | Member::Authenticated | Member::Service(_) => false,
    };
    let terms: Vec<Member> = terms(one, other).into_iter().filter(joinable).collect();
    for (index, first) in terms.iter().enumerate() {
        for second in &terms[index + 1..] {
            if matches!((first, second), (Member::User(_), Member::User(_))) {
                continue;
            }
            let [old, new] = rights(one, other, &[first, second]);
            let parts = [
                told(plan, |who| *who == Who::One(first.clone())),
                told(plan, |who| *who == Who::One(second.clone())),
            ];
            let both = told(
                plan,
                |who| matches!(who, Who::Both(a, b) if (a, b) == (first, second) || (a, b) == (second, first)),
            );
            for (endpoint, server, tool) in tools(one, other) {
                let object = Object::Tool { server: &server, tool };
                let before = outcome(old.as_ref(), &endpoint, object);
                let after = outcome(new.as_ref(), &endpoint, object);
                let key = (endpoint.clone(), server.clone(), tool.to_owned());
                let direction = if before < after {
                    Direction::Widens
                } else {
                    Direction::Narrows
                };
                let by_parts = parts
                    .iter()
                    .any(|part| part.get(&key).is_some_and(|line| line.2 == direction));
                match both.get(&key) {
                    Some((current, proposed, told)) => {
                        prop_assert_eq!((*current, *proposed), (before, after));
                        let repeated = parts
                            .iter()
                            .any(|part| part.get(&key).is_some_and(|line| line.2 == *told));
                        prop_assert!(
                            !repeated,
                            "{} + {}: {:?} says no more than its parts",
                            first,
                            second,
                            key
                        );
                    }
                    None if before == after || by_parts => {}
                    None => prop_assert!(
                        !is_known(one, other, &server, tool) && !in_rules(one, other, &server, tool),
                        "untold: {} + {} {:?}: {:?} -> {:?}",
                        first,
                        second,
                        key,
                        before,
                        after
                    ),
                }
            }
        }
    }
    Ok(())
}

/// Whatever the arguments: a call that is allowed only from now on belongs to a line that widens.
fn no_call_is_newly_allowed_untold(one: &Snapshot, other: &Snapshot, plan: &Plan) -> Result<(), TestCaseError> {
    let calls = [
        "{}",
        r#"{"x":1}"#,
        r#"{"x":2}"#,
        r#"{"x":3}"#,
        r#"{"x":null,"y":["ab"]}"#,
        r#"{"x":1,"y":{"k":"b"}}"#,
    ];
    let calls: Vec<Arguments> = calls
        .iter()
        .map(|raw| Arguments::parse(raw.as_bytes()).unwrap())
        .collect();
    for term in terms(one, other) {
        let [old, new] = rights(one, other, &[&term]);
        let told = told(plan, |who| *who == Who::One(term.clone()));
        for (endpoint, server, tool) in tools(one, other) {
            let object = Object::Tool { server: &server, tool };
            let allowed = |rights: &Option<Rights>, call| {
                let decision = rights
                    .as_ref()
                    .map(|rights| rights.decide(&endpoint, object, Some(call)));
                matches!(decision, Some(Decision::Allowed { .. }))
            };
            let widens = calls.iter().any(|call| !allowed(&old, call) && allowed(&new, call));
            if widens && (is_known(one, other, &server, tool) || in_rules(one, other, &server, tool)) {
                let line = told.get(&(endpoint.clone(), server.clone(), tool.to_owned()));
                let is_told = line.is_some_and(|line| line.2 == Direction::Widens);
                prop_assert!(is_told, "{} {} {}/{}: {:?}", term, endpoint, server, tool, line);
            }
        }
    }
    Ok(())
}
