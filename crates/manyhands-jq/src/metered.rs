//! Puts a step behind every part of a program whose results are handed on, and a look at the stack before every definition.
//! So whatever a program does is paid for, be it written by hand or in the standard library. It must not know prices.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use crate::meter::{ENTER, MULTIPLY, STEP};

type Text<'s> = &'s str;

/// A definition that is paid for.
pub(crate) fn definition<'s>(def: Def<Text<'s>>) -> Def<Text<'s>> {
    let Def { name, args, body } = def;
    let body = piped(Term::Call(ENTER, Vec::new()), term(body));
    Def { name, args, body }
}

/// A part of a program that is paid for.
pub(crate) fn term<'s>(part: Term<Text<'s>>) -> Term<Text<'s>> {
    match part {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Break(_) => part,
        other => piped(inner(other), Term::Call(STEP, Vec::new())),
    }
}

fn piped<'s>(left: Term<Text<'s>>, right: Term<Text<'s>>) -> Term<Text<'s>> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}

fn inner<'s>(part: Term<Text<'s>>) -> Term<Text<'s>> {
    match part {
        Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(text_part).collect()),
        Term::Arr(items) => Term::Arr(items.map(boxed)),
        Term::Obj(fields) => Term::Obj(
            fields
                .into_iter()
                .map(|(key, value)| match value {
                    Some(value) => (key_of(key), Some(term(value))),
                    // `{a}` and `{$a}` are read as they are written.
                    None => (key, None),
                })
                .collect(),
        ),
        Term::Neg(of) => Term::Neg(boxed(of)),
        Term::BinOp(left, BinaryOp::Math(Math::Mul), right) => {
            Term::Call(MULTIPLY, vec![term(*left), term(*right)])
        }
        Term::BinOp(left, operator, right) => {
            Term::BinOp(boxed(left), operation(operator), boxed(right))
        }
        Term::Label(name, of) => Term::Label(name, boxed(of)),
        Term::Fold(name, of, as_, parts) => {
            let parts = parts.into_iter().map(term);
            Term::Fold(name, boxed(of), pattern(as_), parts.collect())
        }
        Term::TryCatch(of, catch) => Term::TryCatch(boxed(of), catch.map(boxed)),
        Term::IfThenElse(cases, otherwise) => {
            let cases = cases.into_iter();
            let cases = cases.map(|(when, then)| (term(when), term(then)));
            Term::IfThenElse(cases.collect(), otherwise.map(boxed))
        }
        Term::Def(definitions, of) => {
            let definitions = definitions.into_iter().map(definition);
            Term::Def(definitions.collect(), boxed(of))
        }
        Term::Call(name, arguments) => Term::Call(name, arguments.into_iter().map(term).collect()),
        Term::Path(of, Path(parts)) => {
            let parts = parts.into_iter();
            let parts = parts.map(|(part, optional)| (path_part(part), optional));
            Term::Path(boxed(of), Path(parts.collect()))
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) | Term::Break(_) => part,
    }
}

fn boxed<'s>(mut part: Box<Term<Text<'s>>>) -> Box<Term<Text<'s>>> {
    *part = term(std::mem::take(&mut *part));
    part
}

/// A key that is a text alone stays one: it makes a plain field.
fn key_of<'s>(key: Term<Text<'s>>) -> Term<Text<'s>> {
    match key {
        Term::Str(..) => inner(key),
        other => term(other),
    }
}

fn text_part<'s>(part: StrPart<Text<'s>, Term<Text<'s>>>) -> StrPart<Text<'s>, Term<Text<'s>>> {
    match part {
        StrPart::Term(of) => StrPart::Term(term(of)),
        plain => plain,
    }
}

fn path_part<'s>(part: Part<Term<Text<'s>>>) -> Part<Term<Text<'s>>> {
    match part {
        Part::Index(at) => Part::Index(key_of(at)),
        Part::Range(from, to) => Part::Range(from.map(term), to.map(term)),
    }
}

fn operation<'s>(operator: BinaryOp<Text<'s>>) -> BinaryOp<Text<'s>> {
    match operator {
        BinaryOp::Pipe(as_) => BinaryOp::Pipe(as_.map(pattern)),
        other => other,
    }
}

fn pattern<'s>(part: Pattern<Text<'s>>) -> Pattern<Text<'s>> {
    match part {
        Pattern::Var(_) => part,
        Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(pattern).collect()),
        Pattern::Obj(fields) => {
            let fields = fields.into_iter();
            let fields = fields.map(|(key, value)| (inner(key), pattern(value)));
            Pattern::Obj(fields.collect())
        }
    }
}
