//! Serves a handler over streamable HTTP. It does not know which server it serves.

use std::{future::Future, io, sync::Arc};

use axum::Router;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;

/// Answers at `/mcp` until `shutdown` is ready.
///
/// rmcp asks for a handler once per request, so what it is given is a pointer to the one there is.
pub(crate) async fn serve<H: ServerHandler>(
    listener: TcpListener,
    handler: Arc<H>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Plain JSON is the shortest answer where no session asks for an event stream. rmcp refuses
    // hosts that are not loopback by itself; refusing pages in browsers has to be asked for.
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .enforce_origin_validation();
    let open_streams = config.cancellation_token.clone();
    let service = StreamableHttpService::new(
        move || Ok(Arc::clone(&handler)),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let app = Router::new().route_service("/mcp", service);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            shutdown.await;
            // A client's event stream would otherwise stay open, and the shutdown would wait for it.
            open_streams.cancel();
        })
        .await
}
