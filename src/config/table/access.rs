//! `[role.NAME]`.

use crate::config::grammar::{ArgumentName, List, Literal, Map, Tables, choice, table};
use crate::name::Member;

table! {
    /// Who may do what. A matching `deny` of any of a caller's roles wins over an `allow` of any of them.
    pub struct Role {
        /// Who has it: `group:…`, `user:…`, `service:…`, `authenticated` or `anonymous`.
        members / "members": List<Member> = "[]";
        /// What they may do.
        allow / "allow": Tables<Rule>;
        /// What they may not do.
        deny / "deny": Tables<Rule>;
    }
}

table! {
    /// One rule. All its conditions must hold.
    pub struct Rule {
        /// On which endpoint. Needed in `allow`.
        endpoint / "endpoint": Condition;
        /// Of which server.
        server / "server": Condition;
        /// Which tool, as `server/tool`; never the shown name.
        tool / "tool": Condition;
        /// Which prompt, as `server/prompt`.
        prompt / "prompt": Condition;
        /// Which resource, as `server/uri`.
        resource / "resource": Condition;
        /// What the lock says of the tool: `"read-only"` in `allow`, `"destructive"` in `deny`.
        hint / "hint": Hint;
        /// Arguments of the call, by JSON pointer.
        arguments / "argument": Map<ArgumentName, Condition>;
    }
}

table! {
    /// A condition. Several operators: all must hold.
    pub struct Condition {
        /// This value.
        equal / "equal": Literal;
        /// Any other value.
        not_equal / "not-equal": Literal;
        /// A text that the glob matches.
        glob / "glob": Literal;
        /// A text that the glob does not match.
        not_glob / "not-glob": Literal;
        /// One of these values.
        within / "in": List<Literal>;
        /// None of these values.
        not_within / "not-in": List<Literal>;
    }
}

choice! {
    pub enum Hint { ReadOnly "read-only", Destructive "destructive", }
}
