//! What people do on the demo's page.

use serde_json::json;

use super::page;

const LEAD: &str = "U0LEAD";
const EMIL: &str = "U0ENGINEER";
const ANA: &str = "U0ANALYST";
const GUS: &str = "U0GUEST";

/// The button of this label on the card that begins so.
fn on_card(state: &str, label: &str) -> String {
    format!("//main//article[contains(., '{state}')]//button[normalize-space()='{label}']")
}

#[test]
fn the_plan_is_approved_live_and_the_panel_names_who_allowed_it() {
    page(async |demo, browser| {
        browser.goto(&demo.of(LEAD)).await;
        browser.sees("main", "incident 1").await;
        browser.sees("main", "Plan of").await;
        // A new page would forget this.
        browser.run("window.still = 'here'").await;
        browser.click(&on_card("Plan of", "Approve")).await;
        browser
            .click("//dialog[@id='ask']//button[@value='yes']")
            .await;
        browser.sees("#messages", "Approved by @Lena Lead").await;
        browser
            .sees("#fivetran-calls", "Approved by Lena Lead: #1, revision 1")
            .await;
        println!("start to first approval: {:?}", demo.since.elapsed());
        assert!(
            !browser
                .text("#fivetran-calls")
                .await
                .contains("Nothing in the audit log")
        );
        assert_eq!(browser.run("return window.still").await, "here");

        // Only the one who asked sees the answer; what he types meanwhile stays.
        browser
            .write("//input[@id='text']", "/syncgate status zendesk\u{e007}")
            .await;
        browser.sees("#messages", "Only visible to you").await;
        browser.sees("#messages", "Status: zendesk").await;
        browser.write("//input[@id='text']", "half a sen").await;
        browser.click("//a[contains(., 'Ana Analyst')]").await;
        browser
            .until("it is Ana's page", async || {
                !browser.text("#messages").await.contains("Status: zendesk")
                    && browser.text("#messages").await.contains("Plan of")
            })
            .await;
        assert_eq!(browser.run("return window.still").await, "here");
        browser.click("//a[contains(., 'Lena Lead')]").await;
        browser.sees("#messages", "Status: zendesk").await;
    });
}

#[test]
fn what_somebody_wrote_elsewhere_is_unread_until_it_is_seen() {
    page(async |demo, browser| {
        let says = async |text: &str| {
            let said = [("user", EMIL), ("back", "C0DATAOPS"), ("text", text)];
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let sent = http.post(format!("{}/page/type", demo.url)).form(&said);
            assert!(sent.send().await.unwrap().status().is_success());
        };
        browser.goto(&demo.of(LEAD)).await;
        browser.sees("main", "Plan of").await;
        browser.run("window.still = 'here'").await;
        browser.sees("main", "incident 1").await;
        browser.click("//nav//a[contains(., '⌂')]").await;
        browser.sees("main", "home tab is empty").await;
        // The bot may say something too: what counts is that each message makes them more.
        let unread =
            "return parseInt(document.querySelector('.unseen')?.parentElement.textContent ?? '0')";
        let count = async || browser.run(unread).await.as_i64().unwrap_or_default();
        let mut before = count().await;
        for text in ["first", "second"] {
            says(text).await;
            browser
                .until("one more is unread", async || count().await > before)
                .await;
            before = count().await;
        }
        browser.click("//nav//a[contains(., 'data-ops')]").await;
        browser.sees("#messages", "second").await;
        browser
            .until("they were seen", async || count().await == 0)
            .await;
        browser.click("//nav//a[contains(., '⌂')]").await;
        browser.sees("main", "home tab is empty").await;
        says("third").await;
        browser
            .until("one more is unread", async || count().await > 0)
            .await;
        assert_eq!(browser.run("return window.still").await, "here");
    });
}

#[test]
fn forms_show_their_errors_and_a_guest_is_refused() {
    page(async |demo, browser| {
        browser.goto(&demo.of(GUS)).await;
        browser.click(&on_card("Plan of", "Approve")).await;
        browser
            .click("//dialog[@id='ask']//button[@value='yes']")
            .await;
        browser.sees(".message.only", "Refused").await;
        browser.goto(&demo.of(ANA)).await;
        browser.sees("#messages", "Plan of").await;
        assert!(!browser.text("#messages").await.contains("Only visible"));
        assert!(
            browser
                .text("#messages")
                .await
                .contains("Approvals: 0 of 1")
        );

        browser.goto(&demo.of(EMIL)).await;
        browser.click(&on_card("Plan of", "Modify…")).await;
        browser.sees("#modal", "Revision 1 of #1").await;
        browser
            .click("(//div[@id='modal']//select)[1]/option[contains(., 'Drop')]")
            .await;
        browser.press("Save new revision").await;
        browser.sees("#messages", "evision 2").await;

        browser.click(&on_card("Plan of", "Reject…")).await;
        browser.sees("#modal", "Reject").await;
        let send = "//div[@id='modal']//form[@action='/page/submit']//button";
        browser.click(send).await;
        browser
            .sees(
                "#modal [role=alert]",
                "Please complete this required field.",
            )
            .await;
        browser
            .write(
                "//div[@id='modal']//textarea",
                "The source is being moved tonight",
            )
            .await;
        browser.click(send).await;
        browser.sees("#messages", "Rejected").await;
        browser
            .sees("#messages", "The source is being moved tonight")
            .await;
        assert_eq!(browser.text("#modal").await, "");
    });
}

#[test]
fn t174_a_failure_is_fixed_while_the_clock_runs_fast_and_the_morning_brings_a_plan() {
    page(async |demo, browser| {
        browser.goto(&demo.of(EMIL)).await;
        browser.sees("main", "incident 1").await;
        browser
            .click("//details[contains(., 'bright_compass')]/summary")
            .await;
        browser
            .click("//details[contains(., 'bright_compass')]//button[.='Fail this sync']")
            .await;
        browser.sees("#messages", "incident 2").await;
        // What was opened stays open, whatever became of what is in it.
        let open = "return document.querySelector('details[data-find*=bright_compass]').open";
        assert_eq!(browser.run(open).await, true);
        browser.press("Clock × 60").await;
        browser
            .click(&on_card("gentle_harvest", "Approve the fix"))
            .await;
        browser
            .click("//dialog[@id='ask']//button[@value='yes']")
            .await;
        browser
            .sees("#fivetran-calls", "Approved by Emil Engineer: #2")
            .await;
        browser.sees("#messages", "Resolved · incident 1").await;
        // A form that Slack opens within three seconds opens, though the clock makes minutes of them.
        browser.click(&on_card("Plan of", "Modify…")).await;
        browser.sees("#modal", "Revision 1 of #1").await;
        browser
            .click("//div[@id='modal']//button[normalize-space()='Cancel']")
            .await;
        browser.press("Clock × 60").await;
        let plans = async || browser.text("#messages").await.matches("Plan of").count();
        let before = plans().await;
        browser.click("//button[contains(., 'Next morning')]").await;
        browser
            .until("the next plan", async || plans().await > before)
            .await;
        // The signatures are still good.
        browser
            .write("//input[@id='text']", "/syncgate help\u{e007}")
            .await;
        browser.sees("#messages", "what you can do here").await;
    });
}

#[test]
fn t104_what_people_and_names_say_is_inert_and_the_page_fits_a_telephone_in_the_dark() {
    page(async |demo, browser| {
        browser.goto(&demo.of(LEAD)).await;
        browser.sees("main", "incident 1").await;
        let attack = "<img src=x onerror=document.title=1> <script>document.title=1</script> *x*";
        browser
            .write("//input[@id='text']", &format!("{attack}\u{e007}"))
            .await;
        browser
            .sees("#messages", "<script>document.title=1</script>")
            .await;
        browser.goto(&demo.of(LEAD)).await;
        assert_eq!(browser.run("return document.title").await, "Syncgate demo");
        // The plan's own picture is no attack.
        let foreign = "#messages script, #messages img:not([src^='/page/file/'])";
        let count = format!("return document.querySelectorAll(\"{foreign}\").length");
        assert_eq!(browser.run(&count).await, 0);

        let paper = "return getComputedStyle(document.body).backgroundColor";
        let light = browser.run(paper).await;
        let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
        browser.tell("Emulation.setEmulatedMedia", dark).await;
        assert_ne!(browser.run(paper).await, light);
        browser.click("//label[@for='theme-light']").await;
        assert_eq!(browser.run(paper).await, light);
        // The choice is kept.
        browser.goto(&demo.of(LEAD)).await;
        assert_eq!(browser.run(paper).await, light);

        let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        browser
            .tell("Emulation.setDeviceMetricsOverride", phone)
            .await;
        let fits = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.run(fits).await, true);
        browser.click("//label[@for='tab-panel']").await;
        browser.sees("aside.panel", "zendesk").await;
        assert_eq!(browser.run(fits).await, true);
        browser.click("//label[@for='tab-main']").await;
        browser
            .click("//a[contains(@class, 'replies')][contains(., 'repl')]")
            .await;
        browser.sees("#thread", "#2 Sync zendesk again").await;
        assert_eq!(browser.run(fits).await, true);
        browser.click("//a[@aria-label='Close the thread']").await;
        browser
            .until("the thread is closed", async || {
                browser.text("#thread").await.is_empty()
            })
            .await;
    });
}
