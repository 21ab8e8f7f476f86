//! What counts as a secret, and what does not.

use crate::document::Document;

use super::*;

/// The warnings about an entry of the server `slack`.
fn warnings(entry: &serde_json::Value) -> Vec<String> {
    let text = serde_json::to_string(entry).unwrap();
    let document = Document::parse(&text).unwrap();
    let mut warnings = Warnings::default();
    let id = ServerId::parse("slack").unwrap();
    check(
        &id,
        "servers.slack",
        document.root.members().unwrap(),
        &mut warnings,
    );
    let warnings = warnings.finish();
    warnings.iter().map(ToString::to_string).collect()
}

/// A token made up here, so that nobody takes this file for one that leaks.
fn made_up(prefix: &str) -> String {
    let digits = (0..40).map(|n| char::from(b"a7Q2kZ9mX4"[n % 10]));
    format!("{prefix}{}", digits.collect::<String>())
}

#[test]
fn secrets_are_told_with_place_and_mend_and_never_shown() {
    let canary = "canary5F2b";
    let token = made_up("xoxb-");
    let told = warnings(&serde_json::json!({
        "command": "npx",
        "args": ["--api-key", canary, format!("--token={canary}"), format!("Authorization: Bearer {canary}"), token],
        "env": {"SLACK_BOT_TOKEN": canary, "X": format!("${{A:-{token}}}"), "DB": format!("postgres://me:{canary}@db/x")},
        "headers": {"Authorization": format!("Bearer {canary}"), "X-Api-Key": canary},
        "url": format!("https://a.example/mcp?api_key={canary}"),
        "manyhands": {"oauth": {"clientSecret": canary}},
    }));
    assert!(!told.join("\n").contains(canary) && !told.join("\n").contains(&token));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn well_known_tokens_are_known_by_their_form() {
    let jwt = format!("eyJ{}.eyJ{}.{}", made_up(""), made_up(""), made_up(""));
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----";
    let aws = ["AKIA", "Q2W4E6R8T0Z1U3I5"].concat();
    let mut texts = vec![jwt, pem.to_owned(), aws];
    let prefixes = ["ghp_", "github_pat_", "glpat-", "sk-ant-", "sk-", "AIza"];
    texts.extend(prefixes.map(made_up));
    for text in texts {
        for text in [text.clone(), format!("https://x/{text}/mcp")] {
            let told = warnings(&serde_json::json!({"env": {"X": text}}));
            assert_eq!(told.len(), 1, "{text}");
        }
    }
}

#[test]
fn what_is_no_secret_is_left_alone() {
    let harmless = serde_json::json!({
        "command": "npx",
        "args": [
            "-y", "@modelcontextprotocol/server-github", "--port", "8080", "--token", "--verbose",
            "--token-file", "/run/secrets/token", "postgresql://localhost/mydb",
            "postgresql://postgres:postgres@localhost:5432/db", "git@github.com:me/x.git",
            "git+https://github.com/me/mcp@0123456789abcdef0123456789abcdef01234567",
            "--max-tokens=4096", "--model=gpt-4o-mini-2024-07-18", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN",
            "ghcr.io/github/github-mcp-server@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "Authorization: Bearer ${TOKEN}", "Authorization:${AUTH_HEADER}", "mcp-remote@latest",
            "task-0123456789-abcdef-0123456789", "risk-assessment-server-2024-version-1",
            "sk-learn-and-other-tools-for-models",
        ],
        "env": {
            "NODE_ENV": "production", "TOKEN": "${TOKEN}", "API_KEY": "${secret:keyring:a/b}",
            "A_TOKEN": "<your token>", "B_TOKEN": "YOUR_API_KEY", "C_TOKEN": "changeme123",
            "D_TOKEN": "xxxxxxxx1", "E_TOKEN": "your-token-1234", "F_TOKEN": "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "G_TOKEN": "", "H_TOKEN": "true", "I_TOKEN": "12345678901", "J_PASSWORD": "production",
            "PASSWORD_FILE": "/run/secrets/p4ssw0rd", "K_SECRET": "~/secret1", "L_SECRET": r"C:\keys\a1b2",
            "CLIENT_ID": "6f1c2a30-6a2e-4d6c-9d0b-0c1f2e3d4a5b", "EMAIL": "me@a.example", "M_TOKEN": "me1@corp.dev",
            "TOKEN_URL": "https://a.example/oauth/token?grant=x1y2z3a4", "SECRET_NAME": "prod/db1Password",
            "MAX_TOKENS": "4096x1234", "MONKEY": "a1b2c3d4e5", "N_SECRET": "op://vault/item/f1eld",
            "O_SECRET": "$(pass show x1)", "P_SECRET": "{{secret1}}", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "Q_TOKEN": "Bearer ${TOKEN}", "PUBLIC_KEY": "a1B2c3D4e5F6", "R_TOKEN": "some-words-in-a-row", "S_TOKEN": "pre1fix-${TOKEN}-Suff2x",
            "PORT": 8080, "FLAG": true, "GONE": null,
        },
        "headers": {"Authorization": "Bearer <token>", "Accept": "application/json", "X-Trace": "0af7651916cd43dd8448eb211c80319c"},
        "url": "https://mcp.a.example/v1/mcp?profile=work&key=ab",
        "manyhands": {"required": true, "timeout": "30s", "protocol": "2025-11-25"},
    });
    assert_eq!(warnings(&harmless), [] as [&str; 0]);
}

#[test]
fn odd_texts_do_not_panic() {
    for odd in [
        "",
        "=",
        "://",
        "://@",
        "x://:@?",
        "${",
        "${}",
        "é=é",
        "Bearer",
        "://a?=&=",
        "--",
        "eyJ..",
        "ﬀ://é:é@",
    ] {
        warnings(&serde_json::json!({"args": [odd, odd], "env": {"TOKEN": odd}, "url": odd}));
    }
    assert_eq!(
        warnings(&serde_json::json!({"args": 1, "env": [[1]], "url": {}})),
        [] as [&str; 0]
    );
}
