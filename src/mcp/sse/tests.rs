use bytes::{Bytes, BytesMut};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use crate::mcp::sse::{Event, Parser, SseError, comment, write};

fn parse(text: &[u8], cuts: &[usize]) -> Vec<Result<Event, SseError>> {
    let text = Bytes::copy_from_slice(text);
    let mut parser = Parser::new(1000);
    let mut events = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        parser.feed(text.slice(from..cut));
        events.extend(&mut parser);
        from = cut;
    }
    events
}

fn data(text: &str) -> Vec<String> {
    let text_of = |event: Event| String::from_utf8(event.data.to_vec()).unwrap();
    parse(text.as_bytes(), &[])
        .into_iter()
        .map(|event| text_of(event.unwrap()))
        .collect()
}

#[test]
fn an_event_in_one_chunk_is_a_slice_of_it() {
    let chunk = Bytes::from_static(b"event: message\nid: 7\ndata: {\"a\":1}\n\n");
    let mut parser = Parser::new(100);
    parser.feed(chunk.clone());
    let event = parser.next().unwrap().unwrap();
    assert_eq!(event.data.as_ptr(), chunk[27..].as_ptr());
    assert_eq!(
        event,
        Event {
            data: "{\"a\":1}".into(),
            id: Some("7".into()),
            retry: None,
            event: Some("message".into())
        }
    );
    assert_eq!(parser.next(), None);
}

#[test]
fn lines_end_in_every_way_that_lines_end() {
    assert_eq!(data("data:a\n\ndata: b\r\n\r\ndata:c\r\rdata\n\n"), ["a", "b", "c", ""]);
    assert_eq!(data("data: a\r\ndata:  b\rdata\ndata:c\n\n"), ["a\n b\n\nc"]);
}

#[test]
fn a_byte_order_mark_comments_and_unknown_fields_are_passed_over() {
    assert_eq!(data("\u{FEFF}data:a\n\n"), ["a"]);
    assert_eq!(data(": hello\n\n:\n\nfuture: x\n\ndata:a\n:x\n\n"), ["a"]);
    assert_eq!(data("event: only\n\ndata:a\n\n"), ["a"]);
    assert_eq!(data("data:cut off\n"), Vec::<String>::new());
}

#[test]
fn an_event_without_data_primes_id_and_retry() {
    let events = parse(b"id: 1\ndata:\n\nretry: 500\n\nid\n\nid: a\0b\nretry: 5x\n\n", &[]);
    let event = |id: Option<&'static str>, retry| {
        Ok(Event {
            id: id.map(Bytes::from),
            retry,
            ..Event::default()
        })
    };
    assert_eq!(
        events,
        [event(Some("1"), None), event(None, Some(500)), event(Some(""), None)]
    );
}

#[test]
fn an_event_that_is_too_large_ends_the_stream() {
    for text in [
        format!("data:{}\n\ndata:a\n\n", "x".repeat(1001)),
        format!("data:{}\n", "x".repeat(2000)),
        format!(":{}", "x".repeat(2000)),
        "data:0123456789\n".repeat(100),
        format!("id:{}\ndata:{}\n\n", "x".repeat(600), "x".repeat(600)),
    ] {
        assert_eq!(parse(text.as_bytes(), &[]), [Err(SseError::TooLarge)]);
    }
    assert_eq!(data(&format!("data: {0}\n\ndata: {0}\n\n", "x".repeat(1000))).len(), 2);
}

#[test]
fn a_cut_at_any_byte_changes_nothing() {
    let text = "\u{FEFF}event: message\r\nid: 1\r\ndata: {\"é\":1}\r\ndata:x\r\n\r\n: c\n\ndata: b\n\nretry:7\rdata:\r\rdata: c\n\n";
    let whole = parse(text.as_bytes(), &[]);
    assert_eq!(whole.len(), 4);
    for one in 0..=text.len() {
        for two in one..=text.len() {
            assert_eq!(parse(text.as_bytes(), &[one, two]), whole, "{one}, {two}");
        }
    }
    let each: Vec<_> = (0..text.len()).collect();
    assert_eq!(parse(text.as_bytes(), &each), whole);
}

#[test]
fn chunks_fed_before_all_is_read_are_not_lost() {
    let mut parser = Parser::new(100);
    parser.feed("data:a\n\nda".into());
    parser.feed("ta:b\n\n".into());
    assert_eq!(parser.map(|event| event.unwrap().data).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_written_is_a_message_event() {
    let mut out = BytesMut::new();
    write(&mut out, b"{}");
    comment(&mut out);
    write(&mut out, b"{\n}\r\n");
    assert_eq!(
        out,
        "event: message\ndata: {}\n\n:\n\nevent: message\ndata: {\ndata: }\ndata: \n\n"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(texts in prop::collection::vec("[a{}\n: é]{0,20}", 0..5), cut: prop::sample::Index) {
        let mut out = BytesMut::new();
        for text in &texts {
            write(&mut out, text.as_bytes());
        }
        let read: Vec<_> = parse(&out, &[cut.index(out.len() + 1)]).into_iter().map(|event| event.unwrap().data).collect();
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn noise_is_read_alike_in_any_chunks(text in prop::collection::vec(prop_oneof![
        prop::sample::select(b"\r\n: datideventry0".to_vec()), any::<u8>()
    ], 0..80), one: prop::sample::Index, two: prop::sample::Index) {
        let (one, two) = (one.index(text.len() + 1), two.index(text.len() + 1));
        let events = parse(&text, &[one.min(two), one.max(two)]);
        prop_assert_eq!(&events, &parse(&text, &[]));
        prop_assert!(events.iter().all(Result::is_ok));
    }
}
