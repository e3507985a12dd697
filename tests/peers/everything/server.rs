//! The server itself: lists from the catalogue, and hands calls to the plain tools, the ones that talk back, and the jobs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    ArgumentInfo, CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult,
    CompletionInfo, GetPromptRequestParams, GetPromptResponse, GetTaskParams, GetTaskResult, Implementation,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    UpdateTaskParams,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::broadcast;

use crate::catalogue::{Catalogue, page};
use crate::{jobs, talk, tools};

/// Which revisions the server speaks: those with `initialize`, 2026-07-28 alone, or all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
    Both,
}

impl FromStr for Era {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "legacy" => Ok(Self::Legacy),
            "modern" => Ok(Self::Modern),
            "both" => Ok(Self::Both),
            other => Err(format!("unknown era `{other}`; there are legacy, modern and both")),
        }
    }
}

/// Something every client that asked for it is told.
#[derive(Clone)]
pub(crate) enum Change {
    Tools,
    Prompts,
    Resource(&'static str),
}

/// What all sessions of one process share.
pub(crate) struct Shared {
    pub(crate) era: Era,
    pub(crate) tasks: TaskManager,
    pub(crate) changes: broadcast::Sender<Change>,
    catalogue: Catalogue,
    page_size: Option<usize>,
}

impl Shared {
    pub(crate) fn new(era: Era, page_size: Option<usize>) -> Result<Self, serde_json::Error> {
        let (changes, _) = broadcast::channel(64);
        Ok(Self {
            era,
            tasks: TaskManager::new(),
            changes,
            catalogue: Catalogue::read()?,
            page_size,
        })
    }
}

/// One session, or one request of a client without sessions.
pub(crate) struct Everything {
    pub(crate) shared: Arc<Shared>,
    session: Arc<Session>,
}

#[derive(Default)]
struct Session {
    subscribed: Mutex<HashSet<String>>,
    level: Mutex<Option<LoggingLevel>>,
}

impl Everything {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            session: Arc::default(),
        }
    }

    /// The level from which this request is logged to; `None` if not at all. A legacy client that set none gets everything.
    pub(crate) fn log_level(&self, context: &RequestContext<RoleServer>) -> Option<LoggingLevel> {
        if is_modern(context) {
            context.meta.log_level()
        } else {
            Some(locked(&self.session.level).unwrap_or(LoggingLevel::Debug))
        }
    }
}

pub(crate) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .build();
        if self.shared.era != Era::Legacy {
            capabilities.extensions = ServerCapabilities::builder().enable_tasks().build().extensions;
        }
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("peer-everything", "1.0.0"))
            .with_instructions("Has one of everything, for tests.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(match self.shared.era {
            Era::Legacy => ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25),
            Era::Modern => &[ProtocolVersion::V_2026_07_28],
            Era::Both => ProtocolVersion::KNOWN_VERSIONS,
        })
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let all: Vec<Tool> = self.shared.catalogue.tools(is_modern(&context)).cloned().collect();
        let (tools, next) = page(&all, request.and_then(|request| request.cursor), self.shared.page_size)?;
        let mut result = ListToolsResult::with_all_items(tools);
        result.next_cursor = next;
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.shared
            .catalogue
            .tools(true)
            .find(|tool| tool.name == name)
            .cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if is_modern(&context)
            && let Some(response) = jobs::call(self, &request, &context).await?
        {
            return Ok(response);
        }
        if let Some(response) = talk::call(&request, &context).await? {
            return Ok(response);
        }
        tools::call(self, &request, &context).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let (prompts, next) = page(&self.shared.catalogue.prompts, cursor, self.shared.page_size)?;
        let mut result = ListPromptsResult::with_all_items(prompts);
        result.next_cursor = next;
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match talk::prompt(&request, &context).await? {
            Some(response) => Ok(response),
            None => tools::prompt(&request),
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let (resources, next) = page(&self.shared.catalogue.resources, cursor, self.shared.page_size)?;
        let mut result = ListResourcesResult::with_all_items(resources);
        result.next_cursor = next;
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            self.shared.catalogue.templates.clone(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        tools::read(&request.uri)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let ArgumentInfo { value, .. } = request.argument;
        let values = ["paris", "park", "party"]
            .into_iter()
            .filter(|word| word.starts_with(&value));
        let completion = CompletionInfo::with_all_values(values.map(str::to_owned).collect())
            .map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(completion))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        *locked(&self.session.level) = Some(request.level);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let (session, changes) = (Arc::clone(&self.session), self.shared.changes.subscribe());
        tokio::spawn(tell_session(session, context.peer, changes));
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        locked(&self.session.subscribed).insert(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        locked(&self.session.subscribed).remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.shared.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            // What the filter leaves out is refused by the sink, which is just what is wanted.
            let _ = match change {
                Ok(Change::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => context.sink().notify_prompt_list_changed().await,
                Ok(Change::Resource(uri)) => context.sink().notify_resource_updated(uri).await,
                Err(_) => return Ok(()),
            };
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.shared.tasks.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.shared.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.shared.tasks.cancel_task(&request.task_id)
    }
}

/// Tells a session of an older revision what changes, until it is gone.
async fn tell_session(session: Arc<Session>, peer: Peer<RoleServer>, mut changes: broadcast::Receiver<Change>) {
    while let Ok(change) = changes.recv().await {
        let told = match change {
            Change::Tools => peer.notify_tool_list_changed().await,
            Change::Prompts => peer.notify_prompt_list_changed().await,
            Change::Resource(uri) if locked(&session.subscribed).contains(uri) => {
                peer.notify_resource_updated(rmcp::model::ResourceUpdatedNotificationParam::new(uri))
                    .await
            }
            Change::Resource(_) => Ok(()),
        };
        if told.is_err() {
            return;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
