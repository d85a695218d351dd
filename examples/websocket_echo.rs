//! Echoes WebSocket messages over the server's own transport, for `scripts/autobahn.sh`:
//! `cargo run --example websocket_echo -- 127.0.0.1:9001`. Prints the address it listens on; port 0 lets the system choose.

use std::io::Write as _;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&address).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        taffrail::server::echo::serve(listener, CancellationToken::new()).await;
        Ok(())
    })
}
