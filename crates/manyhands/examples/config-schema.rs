//! Prints the JSON Schema of the configuration file: `cargo run -p manyhands --example config-schema`.
//!
//! `docs/config.schema.json` is made of it, by `cargo xtask codegen config-schema`.

fn main() {
    let schema = manyhands_config::json_schema::<
        manyhands::ServerSection,
        manyhands::Settings,
        manyhands::EmbeddingSettings,
    >();
    println!("{schema:#}");
}
