//! The methods of all revisions that the gateway tells apart. Every other one is [`Method::Other`].

use std::fmt;

macro_rules! methods {
    ($($variant:ident = $text:literal,)+) => {
        /// A JSON-RPC method. Method names are compared byte by byte.
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        pub enum Method {
            $($variant,)+
            Other(Box<str>),
        }

        impl Method {
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }

            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            #[cfg(test)]
            const KNOWN: &[Self] = &[$(Self::$variant,)+];
        }
    };
}

methods! {
    Initialize = "initialize",
    Discover = "server/discover",
    Ping = "ping",
    ToolsList = "tools/list",
    ToolsCall = "tools/call",
    PromptsList = "prompts/list",
    PromptsGet = "prompts/get",
    ResourcesList = "resources/list",
    TemplatesList = "resources/templates/list",
    ResourcesRead = "resources/read",
    ResourcesSubscribe = "resources/subscribe",
    ResourcesUnsubscribe = "resources/unsubscribe",
    CompletionComplete = "completion/complete",
    LoggingSetLevel = "logging/setLevel",
    SubscriptionsListen = "subscriptions/listen",
    ElicitationCreate = "elicitation/create",
    SamplingCreateMessage = "sampling/createMessage",
    RootsList = "roots/list",
    NotificationInitialized = "notifications/initialized",
    NotificationCancelled = "notifications/cancelled",
    NotificationProgress = "notifications/progress",
    NotificationMessage = "notifications/message",
    NotificationToolsChanged = "notifications/tools/list_changed",
    NotificationPromptsChanged = "notifications/prompts/list_changed",
    NotificationResourcesChanged = "notifications/resources/list_changed",
    NotificationResourceUpdated = "notifications/resources/updated",
    NotificationRootsChanged = "notifications/roots/list_changed",
    NotificationSubscriptionsAcknowledged = "notifications/subscriptions/acknowledged",
    NotificationElicitationComplete = "notifications/elicitation/complete",
}

impl Method {
    pub fn is_notification(&self) -> bool {
        self.as_str().starts_with("notifications/")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use crate::mcp::method::Method;

    #[test]
    fn every_method_reads_back_as_itself() {
        for method in Method::KNOWN {
            assert_eq!(Method::parse(method.as_str()), *method);
        }
    }

    #[test]
    fn a_method_in_other_letters_is_another_method() {
        assert_eq!(Method::parse("Tools/Call"), Method::Other("Tools/Call".into()));
        assert_eq!(Method::parse("tasks/get").as_str(), "tasks/get");
    }
}
