//! The server that both sides call, on rmcp's server: one tool that says what it was told.
//! It must not know which side calls.

use anyhow::{Context as _, Result};
use axum::Router;
use manyhands_core::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::io::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::net::TcpListener;

/// The tool's name on its server.
pub(crate) const TOOL: &str = "echo";
/// The tool's one argument.
pub(crate) const ARGUMENT: &str = "text";

#[derive(Debug, Clone)]
struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), "object".into());
        schema.insert(
            "properties".into(),
            json!({ ARGUMENT: { "type": "string" } }),
        );
        let tool = Tool::new(TOOL, "Says what it was told", schema);
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.as_mut();
        let Some(Value::String(text)) = arguments.and_then(|it| it.remove(ARGUMENT)) else {
            return Err(ErrorData::invalid_params("`text` is missing", None));
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// Serves one client over a duplex until the client leaves.
pub(crate) async fn duplex(stream: DuplexStream) {
    // A client that leaves before it said anything is told by the call that it wanted to make.
    if let Ok(running) = Echo.serve(stream).await {
        let _ = running.waiting().await;
    }
}

/// Serves the parent process over nonblocking pipes until it closes them.
pub(crate) async fn stdio() -> Result<()> {
    let running = Echo.serve(stdio_pipes()).await?;
    running.waiting().await?;
    Ok(())
}

/// Serves on a free port, which is the first line on stdout, until stdin is closed. Replies are plain JSON.
pub(crate) async fn http() -> Result<()> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = StreamableHttpService::new(
        || Ok(Echo),
        std::sync::Arc::new(LocalSessionManager::default()),
        config,
    );
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("no port on the loopback address is free")?;
    println!("{}", listener.local_addr()?.port());
    let app = Router::new().route_service("/mcp", service);
    tokio::select! {
        result = axum::serve(listener, app).into_future() => Ok(result?),
        // The parent is gone, by whatever way.
        _ = drained() => Ok(()),
    }
}

async fn drained() -> std::io::Result<usize> {
    tokio::io::stdin().read_to_end(&mut Vec::new()).await
}
