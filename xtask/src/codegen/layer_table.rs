//! The layers as a table for the architecture. It must not know the list itself.

use crate::layers::Layer;

/// The layers as a markdown table, in the order of the list.
pub(super) fn table(layers: &[Layer]) -> String {
    let mut table =
        String::from("| floor | crate | is for | must not know |\n| --- | --- | --- | --- |\n");
    for Layer {
        name,
        floor,
        is_for,
        must_not_know,
    } in layers
    {
        table += &format!("| {floor} | `{name}` | {is_for} | {must_not_know} |\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LAYERS;

    #[test]
    fn the_table_has_a_row_for_each_layer() {
        let layers = [Layer {
            name: "core",
            floor: 0,
            is_for: "words",
            must_not_know: "any I/O",
        }];
        assert_eq!(
            table(&layers),
            "| floor | crate | is for | must not know |\n| --- | --- | --- | --- |\n| 0 | `core` | words | any I/O |\n"
        );
        assert!(
            LAYERS.iter().all(|layer| !layer.is_for.contains('|')),
            "a bar would split the cell"
        );
    }
}
