//! `[endpoint.NAME]`.

use crate::config::grammar::{Count, Lasting, List, Map, Selector, Size, Text, choice, table};
use crate::name::ServerName;

table! {
    /// One URL for clients, with chosen parts of several servers. Nothing is enabled by default.
    pub struct Endpoint {
        /// On pages and to clients; by default the name.
        title / "title": Text;
        /// What it is for.
        description / "description": Text;
        /// The filter, in place of the gateway's; `""` takes the gateway's off.
        pii / "pii": String;
        /// How shown names are made.
        tool_names / "tool-names": ToolNames = "\"{server}_{tool}\"";
        /// How long a user's authorization lasts.
        access_duration / "access-duration": AccessDuration;
        /// Limits of this endpoint.
        limits / "limits": Limits;
        /// All tools, or two tools with which a client searches and calls the others.
        exposure / "exposure": Exposure = "\"list\"";
        /// What of which server it offers.
        servers / "server": Map<ServerName, Selection>;
    }
}

choice! {
    pub enum ToolNames { ServerAndTool "{server}_{tool}", Tool "{tool}", }
}

choice! {
    pub enum Exposure { List "list", Search "search", }
}

table! {
    /// How long an authorization lasts. A shortened `max` shortens what was already given.
    pub struct AccessDuration {
        /// What the page suggests.
        default / "default": Lasting<60, 315_360_000> = "\"30d\"";
        /// The longest that a user can choose.
        max / "max": Lasting<60, 315_360_000> = "\"90d\"";
    }
}

table! {
    /// Limits of an endpoint. Of several the smallest holds.
    pub struct Limits {
        /// Calls of one principal; 0 is no limit.
        calls_per_minute / "calls-per-minute": Count<0, 1_000_000_000>;
        /// How long a call may take.
        call_timeout / "call-timeout": Lasting<1, 86_400>;
        /// The largest body of an answer.
        response_body / "response-body": Size<1_024, 17_179_869_184>;
    }
}

table! {
    /// What of one server the endpoint offers.
    pub struct Selection {
        /// Tools, by name or glob; `"!…"` takes away wherever it stands.
        tools / "tools": List<Selector<false>> = "[]";
        /// Prompts, likewise.
        prompts / "prompts": List<Selector<false>> = "[]";
        /// Resources, by URI or glob: `*` stops at `/`, `**` does not.
        resources / "resources": List<Selector<true>> = "[]";
        /// What clients see instead, by the server's name of the tool.
        overrides / "tool": Map<String, ToolOverride>;
    }
}

table! {
    /// What clients see instead of what the server says of a tool.
    pub struct ToolOverride {
        /// The shown name, without the endpoint's prefix.
        name / "name": Text;
        /// The description.
        description / "description": Text;
        /// Limits of this tool.
        limits / "limits": ToolLimits;
    }
}

table! {
    /// Limits of one tool. Of several the smallest holds.
    pub struct ToolLimits {
        /// Calls of one principal; 0 is no limit.
        calls_per_minute / "calls-per-minute": Count<0, 1_000_000_000>;
        /// How long a call may take.
        call_timeout / "call-timeout": Lasting<1, 86_400>;
        /// The largest body of an answer.
        response_body / "response-body": Size<1_024, 17_179_869_184>;
    }
}
