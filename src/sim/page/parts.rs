//! The page in parts: a place, and the items that stand in it in order. Each item has a key that
//! stays and a version that changes with what it shows, so that only what changed has to travel,
//! and a browser touches nothing else.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use maud::{Markup, html};
use serde_json::{Value, json};

/// A place of the page and what stands in it.
pub struct Part {
    /// The id of its element.
    pub place: &'static str,
    /// What stands in it, in order.
    pub items: Vec<Item>,
}

/// One thing in its place.
pub struct Item {
    key: String,
    version: String,
    html: Markup,
}

impl Part {
    /// What stands in this place now.
    pub fn new(place: &'static str, items: Vec<Item>) -> Self {
        Self { place, items }
    }

    /// A place with one thing in it.
    pub fn one(place: &'static str, html: Markup) -> Self {
        Self::new(place, vec![Item::new(place, html)])
    }

    /// The place's element with everything in it.
    pub fn show(&self) -> Markup {
        html! { div.part id=(self.place) { @for item in &self.items { (item.show()) } } }
    }
}

impl Item {
    /// `key` is the item's own within its place.
    pub fn new(key: impl Into<String>, html: Markup) -> Self {
        let mut hash = DefaultHasher::new();
        html.0.hash(&mut hash);
        Self {
            key: key.into(),
            version: format!("{:016x}", hash.finish()),
            html,
        }
    }

    fn show(&self) -> Markup {
        html! { div.item data-key=(self.key) data-version=(self.version) { (self.html) } }
    }
}

/// What a browser was last told of: by place, the key and version of each item.
#[derive(Default)]
pub(super) struct Told(HashMap<&'static str, Vec<(String, String)>>);

impl Told {
    /// What to tell about these parts: of a part that changed, the order of all its items, and the
    /// HTML of those that the browser does not have.
    pub fn news(&mut self, parts: &[Part]) -> Vec<Value> {
        parts.iter().filter_map(|part| self.of(part)).collect()
    }

    fn of(&mut self, part: &Part) -> Option<Value> {
        let items = part.items.iter();
        let now: Vec<_> = items
            .map(|item| (item.key.clone(), item.version.clone()))
            .collect();
        let before = self.0.get(part.place);
        if before == Some(&now) {
            return None;
        }
        let has = |item: &Item| {
            let known =
                |(key, version): &(String, String)| *key == item.key && *version == item.version;
            before.is_some_and(|before| before.iter().any(known))
        };
        let items: Vec<_> = part
            .items
            .iter()
            .map(|item| match has(item) {
                true => json!({"key": item.key, "version": item.version}),
                false => {
                    json!({"key": item.key, "version": item.version, "html": item.show().0})
                }
            })
            .collect();
        self.0.insert(part.place, now);
        Some(json!({"place": part.place, "items": items}))
    }
}
