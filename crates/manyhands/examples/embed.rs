//! Embeds a toolkit in ten lines: `cargo run -p manyhands --example embed -- mcp.json`.

use manyhands::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "mcp.json".to_owned());
    let kit = Toolkit::from_file(path)?.connect().await?;
    println!("{}\n", kit.report());
    for tool in kit.catalogue().tools() {
        println!(
            "{}: {}",
            tool.name(),
            tool.definition()
                .description
                .as_deref()
                .unwrap_or("(no description)")
        );
    }
    kit.close().await;
    Ok(())
}
