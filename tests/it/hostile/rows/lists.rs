//! Servers whose lists are odd: what is odd is left out or mended, the rest is there.

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["no-schema"]).noticed("odd"),
    memory(&["no-schema", "modern-only"]).noticed("odd"),
    memory(&["null-schema"]).noticed("odd"),
    memory(&["untyped-schema"]).tools(3),
    memory(&["text-schema"]).noticed("odd"),
    memory(&["foreign-refs"]).tools(3),
    memory(&["odd-annotations"]).tools(3).noticed("annotations"),
    memory(&["header-argument"]).tools(3),
    memory(&["odd-header-argument"]).tools(3),
    memory(&["duplicate-names"]).noticed("whoami"),
    memory(&["illegal-names"])
        .tools(10)
        .noticed("left out a tool without a name"),
    memory(&["long-name"]).noticed("over 1024 bytes"),
    memory(&["many-tools"])
        .tools(10_000)
        .noticed("after 10000 items"),
    memory(&["null-list"]).unlisted("its tools cannot be listed"),
    memory(&["list-is-no-list"]).unlisted("its tools cannot be listed"),
    memory(&["deep-list"]).unlisted("nested deeper"),
    memory(&["oversized-list"]).unlisted("over 16 MiB"),
    memory(&["no-templates"]),
    memory(&["odd-cursor"]),
    memory(&["odd-cursor=5"]).noticed("cursor"),
    memory(&["odd-ttl", "modern-only"]),
    memory(&["odd-ttl=99999999999999999999", "modern-only"]),
    memory(&["odd-ttl=soon", "modern-only"]),
    memory(&["odd-cache-scope", "modern-only"]),
    memory(&["odd-list-type", "modern-only"]).unlisted("of type \"novel\""),
    memory(&["odd-list-type"]).unlisted("of type \"novel\""),
    memory(&["churns"]).tools(3),
];
