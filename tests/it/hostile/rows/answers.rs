//! Servers whose answers to calls are odd.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["null-result"]).malformed("not a JSON object"),
    memory(&["result-and-error"]).fails(ErrorKind::Refused, Delivery::Unknown, "-32603: both"),
    memory(&["neither-result-nor-error"]).malformed("neither"),
    memory(&["error-without-id"]).times_out("no usable answer"),
    memory(&["error-is-text"]).fails(ErrorKind::Refused, Delivery::Unknown, "it went wrong"),
    memory(&["deep-error"]).fails(ErrorKind::Refused, Delivery::Unknown, "nested too deep"),
    memory(&[r#"error-data=-32603:{"code":"busy","type":"critical"}"#]).fails(
        ErrorKind::Refused,
        Delivery::Unknown,
        "busy",
    ),
    memory(&["cancels-call"]).fails(ErrorKind::Refused, Delivery::Unknown, "cancelled the call"),
    memory(&["answers-twice"]),
    memory(&["answers-early"]),
    memory(&["answers-late"]).times_out("no answer within 5s"),
    memory(&["never-done"]).times_out("within 5s"),
    memory(&["bare-results", "modern-only"]),
    memory(&["odd-id=float"]),
    memory(&["odd-id=text"]),
    memory(&["odd-id=null"]).times_out("within 5s"),
    memory(&["odd-id=negative"]).times_out("within 5s"),
    memory(&["odd-id=huge"]).times_out("within 5s"),
    memory(&["odd-content"]),
    memory(&["odd-content", "modern-only"]),
    memory(&["content-is-text"]).replies(""),
    memory(&["no-content"]).replies(""),
    memory(&["odd-is-error"]).replies("done"),
    memory(&["odd-audience"]).replies("done"),
    memory(&["odd-priority"]).replies("done"),
    memory(&["odd-result-type"]).malformed("\"novel\""),
    memory(&["odd-result-type", "modern-only"]).malformed("\"novel\""),
    memory(&["task-result", "modern-only"]).fails(
        ErrorKind::Refused,
        Delivery::Unknown,
        "became a task",
    ),
];
