//! `*.test.toml`: never configuration, but of the same grammar.

use crate::config::grammar::{Any, List, Map, NamePattern, Tables, Text, choice, table};

table! {
    /// Tests of access and redaction.
    pub struct TestFile {
        /// Who may call what.
        access / "access": Tables<Access>;
        /// What is redacted.
        redact / "redact": Tables<Redact>;
    }
}

table! {
    /// One test of access.
    pub struct Access {
        /// What it shows.
        name / "name": Text;
        /// Who calls.
        caller / "as": As [required];
        /// On which endpoint.
        endpoint / "endpoint": Text [required];
        /// Tools that must be callable, as `server/tool`; globs too.
        allow / "allow": List<NamePattern> = "[]";
        /// Tools that must not be callable, as `server/tool`; globs too.
        deny / "deny": List<NamePattern> = "[]";
        /// Every callable tool matches one of these, and each of these matches some callable tool. `[]`: none is callable.
        only / "only": List<NamePattern>;
        /// Arguments of the call, for every tool of `allow` and `deny`.
        arguments / "arguments": Map<String, Any>;
        /// Permits patterns in `deny` that match no selected tool.
        unmatched_ok / "unmatched-ok": bool = "false";
    }
}

table! {
    /// A caller: one of the three.
    pub struct As {
        /// A person.
        user / "user": Text;
        /// A service.
        service / "service": Text;
        /// Nobody.
        anonymous / "anonymous": bool;
        /// Groups that the provider would say.
        groups / "groups": List<Text> = "[]";
    }
}

table! {
    /// One test of redaction.
    pub struct Redact {
        /// What it shows.
        name / "name": Text;
        /// The endpoint whose filter is used.
        endpoint / "endpoint": Text;
        /// The server whose filter is used.
        server / "server": Text;
        /// The filter itself.
        pii / "pii": Text;
        /// Which way.
        direction / "direction": Direction = "\"response\"";
        /// What comes in: any value.
        input / "input": Any [required];
        /// What must come out.
        output / "output": Any [required];
    }
}

choice! {
    pub enum Direction { Request "request", Response "response", }
}
