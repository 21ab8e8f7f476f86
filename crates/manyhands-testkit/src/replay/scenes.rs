//! A tape, cut into scenes: a request, what the server told meanwhile, and the answer.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::rpc::{self, Message};
use crate::secrets;
use crate::tape::{self, Entry, Line, Side, Tape};

/// All requests that are the same, in their order.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) method: String,
    pub(super) params: Value,
    scenes: Vec<Scene>,
}

#[derive(Debug, Default)]
pub(super) struct Scene {
    /// What progress on this request is told under.
    token: Option<Value>,
    pub(super) told: Vec<Told>,
    /// `result` or `error`, and what it is, as it was written.
    pub(super) answer: Option<(&'static str, String)>,
}

/// A notification from the server.
#[derive(Debug)]
pub(super) struct Told {
    text: String,
    is_progress: bool,
}

impl Group {
    /// The scene for the n-th time, from 0; the last one stays.
    pub(super) fn scene(&self, times: usize) -> Option<&Scene> {
        self.scenes.get(times).or(self.scenes.last())
    }
}

impl Told {
    /// The notification as it goes to an asker with this progress token, if to any.
    pub(super) fn to(&self, token: Option<&Value>) -> Option<String> {
        if !self.is_progress {
            return Some(self.text.clone());
        }
        let mut message: Value = serde_json::from_str(&self.text).ok()?;
        *message.pointer_mut("/params/progressToken")? = token?.clone();
        Some(message.to_string())
    }
}

/// What a request is recognised by: its params without `_meta`.
pub(super) fn essence(params: &Value) -> Value {
    let mut params = params.clone();
    if let Some(fields) = params.as_object_mut() {
        fields.shift_remove("_meta");
    }
    if params.is_null() { json!({}) } else { params }
}

/// Reads all scenes of a tape.
pub(super) fn read(tape: &Tape) -> Vec<Group> {
    let mut reader = Reader::default();
    for Entry { from, line, .. } in tape.entries() {
        if let Line::Json(text) = line {
            match from {
                Side::Client => reader.client(text),
                Side::Server => reader.server(text),
            }
        }
    }
    reader.groups
}

#[derive(Default)]
struct Reader {
    groups: Vec<Group>,
    /// The requests without an answer yet, oldest first: the id, and the places of group and scene.
    open: Vec<(String, usize, usize)>,
    /// The groups of each method, so that a long tape is read in good time.
    methods: HashMap<String, Vec<usize>>,
}

impl Reader {
    fn client(&mut self, text: &str) {
        // A tape that somebody wrote by hand may hold what a recorder would have hidden.
        let text = secrets::hide(text);
        let Some(Message::Request(request)) = rpc::read(text.as_bytes()) else {
            return;
        };
        let params = essence(&request.params);
        let token = request.params.pointer("/_meta/progressToken").cloned();
        let index = self.group(request.method, params);
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        let seat = (request.id.to_string(), index, group.scenes.len());
        group.scenes.push(Scene {
            token,
            ..Scene::default()
        });
        self.open.push(seat);
    }

    /// The place of the group of such requests, made where there is none.
    fn group(&mut self, method: String, params: Value) -> usize {
        let places = self.methods.entry(method.clone()).or_default();
        let same = |index: &&usize| {
            self.groups
                .get(**index)
                .is_some_and(|it| it.params == params)
        };
        if let Some(index) = places.iter().find(same) {
            return *index;
        }
        places.push(self.groups.len());
        let scenes = Vec::new();
        self.groups.push(Group {
            method,
            params,
            scenes,
        });
        self.groups.len() - 1
    }

    fn server(&mut self, text: &str) {
        // The parts stay text, for a reply may nest deeper than a value can.
        let Some(fields) = tape::fields(text) else {
            return;
        };
        match (tape::get(&fields, "id"), tape::get(&fields, "method")) {
            (None, Some(method)) => self.told(text, method == r#""notifications/progress""#),
            (Some(id), None) => {
                let found = self.open.iter().rposition(|(open, ..)| open == id);
                let seat = found.map(|place| self.open.remove(place));
                let answer = ["result", "error"]
                    .into_iter()
                    .find_map(|field| Some((field, tape::get(&fields, field)?.to_owned())));
                if let Some(scene) = seat.and_then(|(_, group, scene)| self.scene(group, scene)) {
                    scene.answer = answer;
                }
            }
            _ => {}
        }
    }

    /// Gives a notification to the request that it belongs to: progress to the one with its token,
    /// anything else to the latest.
    fn told(&mut self, text: &str, is_progress: bool) {
        let told = Told {
            text: text.to_owned(),
            is_progress,
        };
        let token = is_progress.then(|| progress_token(text)).flatten();
        let places: Vec<_> = self
            .open
            .iter()
            .rev()
            .map(|seat| (seat.1, seat.2))
            .collect();
        for (group, scene) in places {
            if let Some(scene) = self.scene(group, scene)
                && (!is_progress || token.is_some() && scene.token == token)
            {
                scene.told.push(told);
                return;
            }
        }
    }

    fn scene(&mut self, group: usize, scene: usize) -> Option<&mut Scene> {
        self.groups.get_mut(group)?.scenes.get_mut(scene)
    }
}

fn progress_token(text: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(text).ok()?;
    message.pointer("/params/progressToken").cloned()
}
