//! The changes, table by table and key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use super::settings::{self, ORDER, Setting, Settings, Value, Word};
use super::table::{Kind, Table};
use super::{Place, Side};
use crate::lock::Diff;
use crate::name::{EndpointName, ServerName};
use crate::snapshot::{Selection, Snapshot, Subject};

/// What must be done to one side to get the other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// In the order of [`Kind`], then by name.
    pub tables: Vec<TableChange>,
    pub unchanged: Vec<Table>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableChange {
    pub table: Table,
    pub action: Action,
    /// Every key that either side has, the unchanged too.
    pub rows: Vec<Row>,
    /// In the proposed files; of a removed table, in the current ones.
    pub place: Option<Place>,
    /// Of a lock that both sides have.
    pub lock: Option<Diff>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Action {
    Add,
    Change,
    Remove,
}

/// One key before and after; `None` where the table does not have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    pub key: String,
    pub current: Option<Setting>,
    pub proposed: Option<Setting>,
}

pub(super) fn diff(current: &Side<'_>, proposed: &Side<'_>) -> Changes {
    let (from, to) = (current.snapshot, proposed.snapshot);
    let mut pairs = Pairs {
        current,
        proposed,
        changes: Changes::default(),
    };
    served(from, to, &mut pairs);
    people(from, to, &mut pairs);
    pairs.compare(
        Kind::Pii,
        &from.pii,
        &to.pii,
        |_, table| settings::pii(table),
        |name| Some(Subject::Pii(name.clone())),
    );
    pairs.compare(
        Kind::Lock,
        &from.locks,
        &to.locks,
        |_, lock| settings::lock(lock),
        |_| None,
    );
    review_locks(from, to, &mut pairs.changes.tables);
    pairs.compare(
        Kind::File,
        current.files,
        proposed.files,
        |_, digest| settings::file(digest),
        |_| None,
    );
    pairs.changes
}

fn served(from: &Snapshot, to: &Snapshot, pairs: &mut Pairs<'_>) {
    let gateway = |side: &Snapshot| BTreeMap::from([("", side.gateway.clone())]);
    pairs.compare(
        Kind::Gateway,
        &gateway(from),
        &gateway(to),
        |_, table| settings::gateway(table),
        |_| Some(Subject::Gateway),
    );
    pairs.compare(
        Kind::Server,
        &from.servers,
        &to.servers,
        |_, table| settings::server(table),
        |name| Some(Subject::Server(name.clone())),
    );
    pairs.compare(
        Kind::Endpoint,
        &from.endpoints,
        &to.endpoints,
        |name, table| settings::endpoint(name.as_str(), table),
        |name| Some(Subject::Endpoint(name.clone())),
    );
    pairs.compare(
        Kind::Selection,
        &selections(from),
        &selections(to),
        |_, table| settings::selection(table),
        |SelectionName(endpoint, server)| Some(Subject::Selection(endpoint.clone(), server.clone())),
    );
}

fn people(from: &Snapshot, to: &Snapshot, pairs: &mut Pairs<'_>) {
    let login = |side: &Snapshot| side.login.iter().map(|login| ("", login.clone())).collect();
    pairs.compare(
        Kind::Login,
        &login(from),
        &login(to),
        |_, table| settings::login(table),
        |_| None,
    );
    pairs.compare(
        Kind::User,
        &from.users,
        &to.users,
        |_, table| settings::user(table),
        |name| Some(Subject::User(name.clone())),
    );
    pairs.compare(
        Kind::Service,
        &from.services,
        &to.services,
        |_, table| settings::service(table),
        |name| Some(Subject::Service(name.clone())),
    );
    pairs.compare(
        Kind::Issuer,
        &from.issuers,
        &to.issuers,
        |name, table| settings::issuer(name.as_str(), table),
        |name| Some(Subject::Issuer(name.clone())),
    );
    pairs.compare(
        Kind::Group,
        &from.groups,
        &to.groups,
        |_, table| settings::group(table),
        |name| Some(Subject::Group(name.clone())),
    );
    pairs.compare(
        Kind::Role,
        &from.roles,
        &to.roles,
        |_, table| settings::role(table),
        |name| Some(Subject::Role(name.clone())),
    );
}

/// What a reviewer of a lock reads: the words that differ.
fn review_locks(from: &Snapshot, to: &Snapshot, tables: &mut [TableChange]) {
    for change in tables.iter_mut().filter(|change| change.table.kind == Kind::Lock) {
        let lock = |side: &Snapshot| side.locks.get(change.table.name.as_str()).cloned();
        change.lock = lock(from).zip(lock(to)).map(|(old, new)| old.diff(&new));
    }
}

/// `ENDPOINT.server.SERVER`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct SelectionName(EndpointName, ServerName);

impl fmt::Display for SelectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.server.{}", self.0, self.1)
    }
}

fn selections(side: &Snapshot) -> BTreeMap<SelectionName, &Selection> {
    let all = side.endpoints.iter().flat_map(|(name, endpoint)| {
        let selections = endpoint.servers.iter();
        selections.map(|selection| (SelectionName(name.clone(), selection.server.clone()), selection))
    });
    all.collect()
}

/// The two sides, and what was found so far.
struct Pairs<'a> {
    current: &'a Side<'a>,
    proposed: &'a Side<'a>,
    changes: Changes,
}

impl Pairs<'_> {
    /// One kind of table by name: most of them are equal, and are not looked into.
    fn compare<K: Ord + Display, T: PartialEq>(
        &mut self,
        kind: Kind,
        from: &BTreeMap<K, T>,
        to: &BTreeMap<K, T>,
        settings: impl Fn(&K, &T) -> Settings,
        subject: impl Fn(&K) -> Option<Subject>,
    ) {
        let names: BTreeSet<&K> = from.keys().chain(to.keys()).collect();
        for name in names {
            let table = Table::new(kind, name);
            let (old, new) = (from.get(name), to.get(name));
            if old == new {
                self.changes.unchanged.push(table);
                continue;
            }
            let action = match (old, new) {
                (None, _) => Action::Add,
                (_, None) => Action::Remove,
                _ => Action::Change,
            };
            let [mut old, new] = [old, new].map(|table| table.map(|table| settings(name, table)).unwrap_or_default());
            if kind == Kind::Endpoint && action == Action::Change {
                follow_order(&mut old, &new);
                if old == new {
                    self.changes.unchanged.push(table);
                    continue;
                }
            }
            let side = if action == Action::Remove {
                self.current
            } else {
                self.proposed
            };
            self.changes.tables.push(TableChange {
                table,
                action,
                rows: rows(old, new),
                place: subject(name).and_then(|subject| side.places.get(&subject).cloned()),
                lock: None,
            });
        }
    }
}

/// Servers that come or go are tables of their own. Where those that come stand last, by name, the order tells nothing
/// more, and the old one is taken for the new one.
fn follow_order(old: &mut Settings, new: &Settings) {
    let words = |settings: &Settings| match settings.get(ORDER).map(|setting| setting.value.clone()) {
        Some(Value::List(words)) => words,
        Some(Value::One(_)) | None => Vec::new(),
    };
    let (before, wanted) = (words(old), words(new));
    let mut followed: Vec<Word> = before.iter().filter(|word| wanted.contains(word)).cloned().collect();
    let mut come: Vec<Word> = wanted.iter().filter(|word| !before.contains(word)).cloned().collect();
    come.sort();
    followed.append(&mut come);
    if followed == wanted {
        old.0.retain(|setting| setting.key != ORDER);
        old.0.extend(new.get(ORDER).cloned());
    }
}

/// In the order of the proposed table; what only the current one has comes last.
fn rows(mut old: Settings, new: Settings) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut at: BTreeMap<String, usize> = old
        .0
        .iter()
        .enumerate()
        .map(|(index, one)| (one.key.clone(), index))
        .collect();
    let mut current: Vec<Option<Setting>> = old.0.drain(..).map(Some).collect();
    for proposed in new.0 {
        rows.push(Row {
            key: proposed.key.clone(),
            current: at.remove(&proposed.key).and_then(|index| current[index].take()),
            proposed: Some(proposed),
        });
    }
    rows.extend(current.into_iter().flatten().map(|current| Row {
        key: current.key.clone(),
        current: Some(current),
        proposed: None,
    }));
    rows
}

impl Changes {
    pub fn count(&self, action: Action) -> usize {
        self.tables.iter().filter(|change| change.action == action).count()
    }
}

impl Row {
    pub fn is_changed(&self) -> bool {
        let [old, new] = [&self.current, &self.proposed].map(|half| half.as_ref().map(|setting| &setting.value));
        old != new
    }

    /// Where both sides have a list: what goes and what comes, in order. Nothing of both where only the order differs.
    pub fn elements(&self) -> Option<(Vec<&Word>, Vec<&Word>, usize)> {
        let (Value::List(old), Value::List(new)) = (&self.current.as_ref()?.value, &self.proposed.as_ref()?.value)
        else {
            return None;
        };
        let (gone, kept) = without(old, new);
        let (come, _) = without(new, old);
        Some((gone, come, kept))
    }
}

/// The words of the first list that the second has not, as often as it lacks them; and how many it has.
fn without<'a>(words: &'a [Word], others: &[Word]) -> (Vec<&'a Word>, usize) {
    let mut left: BTreeMap<&Word, usize> = BTreeMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    let mut gone = Vec::new();
    for word in words {
        match left.get_mut(word) {
            Some(count) if *count > 0 => *count -= 1,
            _ => gone.push(word),
        }
    }
    let kept = words.len() - gone.len();
    (gone, kept)
}
