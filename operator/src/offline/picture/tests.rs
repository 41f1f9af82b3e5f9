use super::super::fixture::Fixture;
use super::*;

/// Checks that a text is well-formed: every element is closed in order, attributes are quoted, and no markup comes from
/// elsewhere. Returns the names of its elements.
fn elements(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag has an end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in order");
            continue;
        }
        let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "<{name}> is a name");
        check_attributes(attributes);
        names.push(name.to_owned());
        if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert_eq!(rest.trim(), "", "nothing after the end");
    assert!(open.is_empty(), "{open:?} stay open");
    names
}

fn check_attributes(attributes: &str) {
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("an attribute has a quoted value");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name} is a name");
        let (value, more) = value.split_once('"').expect("its value ends");
        check_text(value);
        rest = more.trim_start();
    }
}

fn check_text(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    for after in text.split('&').skip(1) {
        let (entity, _) = after.split_once(';').expect("an entity ends");
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity), "&{entity};");
    }
}

fn bars(text: &str, class: &str) -> usize {
    text.matches(&format!("<rect class=\"{class}\"")).count()
}

#[test]
fn every_broker_has_a_bar_before_and_after_in_each_row() {
    for brokers in [1, 4, 1_000] {
        let text = picture(&Fixture::new(brokers).report());
        let names = elements(&text);
        assert_eq!(names.first().map(String::as_str), Some("svg"));
        let tips = names.iter().filter(|name| *name == "title").count() - 1;
        assert_eq!(tips, usize::from(brokers) * Dimension::ALL.len() * 2, "of {brokers} brokers");
    }
}

#[test]
fn the_title_says_what_it_costs() {
    let text = picture(&Fixture::new(4).report());
    assert!(text.contains("rebalance: 2 replicas (1.50 GB) and 1 leader move"), "{text}");
}

#[test]
fn names_are_no_markup() {
    let mut fixture = Fixture::new(4);
    for broker in fixture.before.iter_mut().chain(&mut fixture.after) {
        broker.rack = "</title><script>alert('&\"')</script>\u{1}\u{ffff}]]>".to_owned();
    }
    let text = picture(&fixture.report());
    assert!(!elements(&text).contains(&"script".to_owned()));
    assert!(text.contains("&lt;script&gt;"), "the name is shown");
}

#[test]
fn colours_tell_who_is_out_of_the_band() {
    let mut fixture = Fixture::new(5);
    let text = picture(&fixture.report());
    // Before, one of the four that live is inside; in the legend each class has a mark.
    assert!(bars(&text, "out") > 1 && bars(&text, "over") > 1, "{text}");
    // After it all live ones are, and the dead one is empty.
    fixture.before = fixture.after.clone();
    let text = picture(&fixture.report());
    assert_eq!((bars(&text, "out"), bars(&text, "over")), (1, 1), "{text}");
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    let mut fixture = Fixture::new(3);
    for broker in fixture.before.iter_mut().chain(&mut fixture.after) {
        (broker.replicas, broker.leaders, broker.load) = (0, 0, [0.0; 4]);
        broker.capacity = [0.0; 4];
    }
    let text = picture(&fixture.report());
    elements(&text);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}
