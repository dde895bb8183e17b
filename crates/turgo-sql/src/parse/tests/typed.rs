//! Where a statement that is being typed ends, and what its parts are.

use crate::parse::typed::{KEYWORDS, LexemeKind, Typed, first_statement, lexemes};

#[test]
fn a_statement_ends_with_a_semicolon_outside_of_everything() {
    for (text, end) in [
        ("SELECT 1;", 9),
        ("SELECT 1; SELECT 2;", 9),
        (";", 1),
        ("SELECT ';' ;", 12),
        ("SELECT 'it''s;' ;", 17),
        ("SELECT 'a\\';", 12),
        ("SELECT \";\", `;` ;", 17),
        ("SELECT 1 -- ;\n;", 15),
        ("SELECT /* ; /* ; */ ; */ 1;", 27),
        ("SELECT $$;$$, $a$;$$;$a$;", 25),
        ("SELECT 'ä;\nö' ;x", 17),
        ("SELECT 1; SELECT 'open", 9),
    ] {
        assert_eq!(first_statement(text), Typed::Finished(end), "{text}");
    }
}

#[test]
fn a_statement_goes_on_while_something_is_open() {
    for text in [
        "SELECT 1",
        "SELECT ';",
        "SELECT 'a\n;\n",
        "SELECT \";",
        "SELECT `;",
        "SELECT /* ;",
        "SELECT /* /* */ ;",
        "SELECT $$;",
        "SELECT $a$;$$;",
        "SELECT E'\\';",
        "SELECT 1 -- ;",
        "/* ;",
    ] {
        assert_eq!(first_statement(text), Typed::Unfinished, "{text}");
    }
}

#[test]
fn blanks_and_comments_are_no_statement() {
    for text in ["", " \n\t", "-- a\n", "/* b; */ -- c;\n\n"] {
        assert_eq!(first_statement(text), Typed::Nothing, "{text:?}");
    }
}

#[test]
fn what_no_text_can_mend_is_not_waited_for() {
    let text = "SELECT U&'\\zzzz' ;\n";
    assert_eq!(first_statement(text), Typed::Finished(text.len()));
    assert!(crate::parse::parse(text).is_err());
}

#[test]
fn parts_have_their_kinds_and_places() {
    use LexemeKind::{Comment, Keyword, Name, Number, String, Symbol};
    let shown = |text: &str| -> Vec<(LexemeKind, std::string::String)> {
        lexemes(text).into_iter().map(|part| (part.kind, text[part.span].to_owned())).collect()
    };
    let part = |kind, text: &str| (kind, text.to_owned());
    assert_eq!(
        shown("select Größe, \"select\" -- x\n>= 1.5 'ä' /* y"),
        [
            part(Keyword, "select"),
            part(Name, "Größe"),
            part(Symbol, ","),
            part(Name, "\"select\""),
            part(Comment, "-- x\n"),
            part(Symbol, ">="),
            part(Number, "1.5"),
            part(String, "'ä'"),
            part(Comment, "/* y"),
        ]
    );
    assert_eq!(shown("FROM 'a b"), [part(Keyword, "FROM"), part(String, "'a b")]);
    assert_eq!(shown("FROM \"a b"), [part(Keyword, "FROM"), part(Name, "\"a b")]);
}

#[test]
fn keywords_are_sorted_so_that_they_are_found() {
    assert!(KEYWORDS.is_sorted());
}
