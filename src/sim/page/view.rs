//! What the app shows beside messages: the modal that is open, and its home tab.

use maud::{Markup, html};

use super::blocks::{Place, Scene, blocks, hidden, list, string};
use super::mrkdwn::Reader;
use super::parts::{Item, Part};
use super::{Look, Page};

/// The name under which the home tab stands among the channels.
pub(super) const HOME: &str = "home";

/// The home tab.
pub(super) fn home(page: &Page, look: &Look, reader: &Reader) -> Markup {
    let Some(view) = page.slack.home(&look.user) else {
        return html! { p.soft { "The app's home tab is empty. Choose a channel on the left." } };
    };
    let place = Place::View {
        id: view.id.clone(),
    };
    let scene = Scene {
        reader,
        page,
        user: &look.user,
        back: HOME,
        place,
        form: "",
        errors: None,
    };
    html! { div.home { (blocks(list(&view.view, "blocks"), &scene)) } }
}

/// The topmost modal.
pub(super) fn modal(page: &Page, look: &Look, reader: &Reader) -> Part {
    let Some(view) = page.slack.views(&look.user).pop() else {
        return Part::new("modal", Vec::new());
    };
    let form = format!("form-{}", view.id);
    let scene = Scene {
        reader,
        page,
        user: &look.user,
        back: &look.channel,
        place: Place::View {
            id: view.id.clone(),
        },
        form: &form,
        errors: Some(&view.errors),
    };
    let label = |key: &str, otherwise: &str| {
        let given = string(&view.view[key], "text");
        if given.is_empty() {
            otherwise.to_owned()
        } else {
            given.to_owned()
        }
    };
    let fields = html! {
        (hidden("user", &look.user)) (hidden("back", &look.channel)) (hidden("view", &view.id))
    };
    let shown = html! {
        // Open without a script too; the script makes it a modal one, which keeps the focus inside.
        dialog.sheet open aria-labelledby="modal-title" {
            div.top {
                h2 #modal-title { (label("title", "")) }
                form.close method="post" action="/page/close" { (fields) button aria-label="Close" { "×" } }
            }
            div.inside { (blocks(list(&view.view, "blocks"), &scene)) }
            div.ends {
                form method="post" action="/page/close" { (fields) button { (label("close", "Cancel")) } }
                // What is missing is said under its field, as Slack does, not by the browser.
                form id=(form) method="post" action="/page/submit" novalidate {
                    (fields)
                    @if view.view["submit"].is_object() { button.primary { (label("submit", "Submit")) } }
                }
            }
        }
    };
    Part::new("modal", vec![Item::new(view.id, shown)])
}
