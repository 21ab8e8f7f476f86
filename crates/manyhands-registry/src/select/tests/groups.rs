//! Selection where several tools do the same. It knows no order of preference.

use super::*;
use crate::groups::{Groups, Ranking, ToolHealth};

const DOCS: &[Offer<'static>] = &[
    ("notion", &[("search", "Looks up notes.")]),
    ("confluence", &[("search", "Searches pages of the wiki.")]),
    ("files", &[("grep", "Searches pages of text.")]),
];

/// The order of the group of searches in [`DOCS`], with servers that are down.
fn ranking(down: &'static [&'static str]) -> Ranking {
    struct Down(&'static [&'static str]);
    impl ToolHealth for Down {
        fn outage(&self, tool: &QualifiedName) -> Option<String> {
            let is_down = self.0.contains(&tool.server().as_str());
            is_down.then(|| "down".to_owned())
        }
    }
    let declared = json!({"docs": ["notion.search", "confluence.search"]});
    let groups: Groups = serde_json::from_value(declared).unwrap();
    groups.ranked(&catalogue(DOCS), &Down(down), None)
}

/// What was chosen, and what for which other tool was not.
fn put_forward(query: &Query) -> (Vec<String>, Vec<(String, String)>) {
    let selection = index(DOCS).select(query);
    let left = selection.left_out.iter().filter_map(|it| match &it.cause {
        LeftOutCause::Alternative { of } => Some((it.name.to_string(), of.to_string())),
        _ => None,
    });
    (chosen(&selection), left.collect())
}

fn pair(tool: &str, of: &str) -> Vec<(String, String)> {
    vec![(tool.to_owned(), of.to_owned())]
}

#[test]
fn of_a_group_only_the_preferred_tool_that_is_up_is_put_forward() {
    let pages = || Query::new("pages of the wiki");
    let (names, _) = put_forward(&pages());
    assert_eq!(names, ["confluence.search", "files.grep"]);
    // It takes the place of what fits, although it does not fit itself.
    let (names, left) = put_forward(&pages().with_groups(ranking(&[])));
    assert_eq!(names, ["notion.search", "files.grep"]);
    assert_eq!(left, pair("confluence.search", "notion.search"));
    let selection = index(DOCS).select(&pages().with_groups(ranking(&[])));
    let reason = selection.chosen[0].reason.to_string();
    assert!(
        reason.starts_with("preferred to confluence.search: wiki in description"),
        "{reason}"
    );
    let (names, left) = put_forward(&pages().with_groups(ranking(&["notion"])));
    assert_eq!((names[0].as_str(), left), ("confluence.search", vec![]));
    let (names, left) =
        put_forward(&Query::default().with_groups(ranking(&["notion", "confluence"])));
    assert_eq!(names, ["notion.search", "files.grep"]);
    assert_eq!(left, pair("confluence.search", "notion.search"));
}

#[test]
fn the_conditions_of_a_query_come_before_the_order_of_a_group() {
    let pages = || Query::new("pages of the wiki").with_groups(ranking(&[]));
    let other = pages().with_permit(|it| it.name().server().as_str() != "notion");
    assert_eq!(put_forward(&other).0[0], "confluence.search");
    let other = pages().with_servers([id("confluence")]);
    assert_eq!(
        put_forward(&other),
        (vec!["confluence.search".to_owned()], vec![])
    );
    let (names, left) = put_forward(&pages().with_limit(0));
    assert_eq!(
        (names.len(), left),
        (0, pair("confluence.search", "notion.search"))
    );
}

#[test]
fn what_was_named_stays_and_stands_for_its_group() {
    let both = Query::new("search").with_groups(ranking(&[]));
    let on = |query: &Query, server| query.clone().with_always_on([name(server, "search")]);
    let (names, left) = put_forward(&on(&both, "confluence"));
    assert_eq!(names, ["confluence.search", "files.grep"]);
    assert_eq!(left, pair("notion.search", "confluence.search"));
    let (names, left) = put_forward(&on(&on(&both, "confluence"), "notion"));
    assert_eq!(
        (names[..2].join(" ").as_str(), left),
        ("confluence.search notion.search", vec![])
    );
    // What was kept and is down stands for nothing, but stays; with all down, it is as good as another.
    let earlier = index(DOCS).select(&on(&both, "notion"));
    let (names, _) = put_forward(
        &Query::new("search")
            .with_earlier(&earlier)
            .with_groups(ranking(&["notion"])),
    );
    assert!(
        names[0] == "notion.search" && names.contains(&"confluence.search".to_owned()),
        "{names:?}"
    );
    let earlier = index(DOCS).select(&on(&both, "confluence"));
    let down = ranking(&["notion", "confluence"]);
    let (names, _) = put_forward(
        &Query::new("search")
            .with_earlier(&earlier)
            .with_groups(down),
    );
    assert!(!names.contains(&"notion.search".to_owned()), "{names:?}");
}
