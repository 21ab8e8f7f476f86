//! Every text of a tool's definition, with its place. It must not know what makes a text suspicious.

use manyhands_core::model::Tool;
use serde_json::Value;

use crate::place::Place;

/// Gives every text of a definition to `look`, and whether it is a name. What models never see of it is left out.
pub(super) fn each(tool: &Tool, look: &mut dyn FnMut(&Place<'_>, &str, bool)) {
    let annotated = tool.annotations.as_ref().and_then(|it| it.title.as_deref());
    let own = [
        ("name", Some(&*tool.name)),
        ("title", tool.title.as_deref()),
        ("title", annotated),
        ("description", tool.description.as_deref()),
    ];
    for (key, text) in own {
        if let Some(text) = text {
            look(&Place::Inside(&Place::Root, key), text, key == "name");
        }
    }
    let schemas = [
        ("inputSchema", Some(&tool.input_schema)),
        ("outputSchema", tool.output_schema.as_ref()),
    ];
    for (key, schema) in schemas {
        for (field, value) in schema.into_iter().flat_map(|it| it.iter()) {
            let place = Place::Inside(&Place::Root, key);
            inside(&Place::Inside(&place, field), value, look);
        }
    }
}

fn inside(place: &Place<'_>, value: &Value, look: &mut dyn FnMut(&Place<'_>, &str, bool)) {
    match value {
        Value::String(text) => look(place, text, false),
        Value::Array(items) => items.iter().for_each(|it| inside(place, it, look)),
        Value::Object(fields) => {
            for (key, field) in fields {
                let inner = Place::Inside(place, key);
                look(&inner, key, false);
                inside(&inner, field, look);
            }
        }
        _ => {}
    }
}
