//! The page around its parts: what stands still while they change.

use maud::{DOCTYPE, Markup, html};

use super::parts::Part;
use super::{Look, Page};

/// The whole page.
pub(super) fn whole(page: &Page, look: &Look, parts: &[Part], panel: &[Part]) -> Markup {
    let part = |place: &str| {
        let found = parts.iter().find(|part| part.place == place);
        html! { @if let Some(part) = found { (part.show()) } }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.extra.title) }
                link rel="stylesheet" href="/page/style.css";
                link rel="icon" href="data:,";
            }
            body {
                a.skip href="#messages" { "To the messages" }
                (tabs())
                div.layout {
                    nav.side aria-label="Channels and people" {
                        h1 { (page.extra.title) }
                        (part("side"))
                        (themes())
                        noscript { p.soft { "Without its script the page shows what is new when you load it again." } }
                    }
                    main aria-label="Channel" {
                        header { (part("head")) }
                        div.scroll #scroll tabindex="0" role="log" aria-label="Messages" { (part("messages")) }
                        p.late #late role="status" hidden { "The connection is lost. Trying again…" }
                        button.below #below type="button" hidden { "New messages ↓" }
                        (part("composer"))
                    }
                    aside.thread aria-label="Thread" { div.scroll { (part("thread")) } }
                    aside.panel aria-label="Simulated Fivetran" {
                        header { h2 { "Simulated Fivetran" } }
                        div.scroll {
                            @for (n, part) in panel.iter().enumerate() {
                                // It is for the last one, which may be long.
                                @if n + 1 == panel.len() { (search(look)) }
                                (part.show())
                            }
                        }
                    }
                }
                (part("modal"))
                (ask())
                (commands(page))
                script src="/page/script.js" {}
            }
        }
    }
}

/// On a narrow screen one column at a time.
fn tabs() -> Markup {
    let tab = |id: &str, label: &str, chosen: bool| {
        html! {
            input type="radio" name="tab" id=(id) checked[chosen] autocomplete="off";
            label for=(id) { (label) }
        }
    };
    html! {
        div.tabs role="group" aria-label="What is shown" {
            (tab("tab-side", "Channels", false))
            (tab("tab-main", "Messages", true))
            (tab("tab-panel", "Fivetran", false))
        }
    }
}

fn themes() -> Markup {
    html! {
        fieldset.themes {
            legend { "Colours" }
            @for (id, label) in [("theme-auto", "System"), ("theme-light", "Light"), ("theme-dark", "Dark")] {
                input type="radio" name="theme" id=(id) checked[id == "theme-auto"];
                label for=(id) { (label) }
            }
        }
    }
}

/// Looks for a connection: at once with the script, by a new page without.
fn search(look: &Look) -> Markup {
    html! {
        form.search method="get" action="/" role="search" {
            input type="hidden" name="user" value=(look.user);
            input type="hidden" name="channel" value=(look.channel);
            input #search type="search" name="search" value=(look.search) placeholder="Find a connection"
                aria-label="Find a connection" autocomplete="off";
        }
    }
}

/// The question before a button that Slack asks for.
fn ask() -> Markup {
    html! {
        dialog.sheet #ask aria-labelledby="ask-title" {
            form method="dialog" {
                h2 #ask-title {} p {}
                div.ends { button value="no" { "Cancel" } button.primary value="yes" { "OK" } }
            }
        }
    }
}

/// What the slash command understands; the script shows it while one is typed.
fn commands(page: &Page) -> Markup {
    let name = page.slack.command_name();
    html! {
        ul #commands role="listbox" aria-label="Commands" hidden {
            @for (n, (words, does)) in page.extra.commands.iter().enumerate() {
                @let fixed = words.split(['<', '[', ',']).next().unwrap_or_default();
                li role="option" id={ "command-" (n) } data-fill={ (name) " " (fixed) } {
                    b { (name) " " (words) } span { (does) }
                }
            }
        }
    }
}
