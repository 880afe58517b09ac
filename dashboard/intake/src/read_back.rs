//! What was said on the telephone, read back before it is saved; and the same as the diary says it.

use askama::Template;
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::call::Ask;
use crate::need::{Draft, kind_name};
use crate::said::{CallId, Said};
use crate::words;

/// What is read back, to be framed by a door.
#[derive(Template)]
#[template(path = "read_back.html")]
pub struct ReadBackPage {
    w: Words,
    patient: PatientId,
    name: String,
    problem: Option<Key>,
    /// What was said, each with its answer.
    values: Vec<(String, String)>,
    answers: Vec<(String, String)>,
    needs: Vec<String>,
    need_words: String,
    need_place: String,
    need_consent: Option<bool>,
    note: String,
    /// What the form carries along.
    carried: Vec<(String, String)>,
    call: String,
    at: WallMs,
}

impl ReadBackPage {
    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("read-title", "name", &self.name).to_string()
    }
}

impl Ask<'_> {
    pub(crate) fn read_back(
        &self,
        said: &[Said],
        problem: Option<Key>,
        call: &CallId,
        at: WallMs,
    ) -> ReadBackPage {
        let need = Draft::of(self.typed);
        let of = |is_value: bool| {
            let chosen = said
                .iter()
                .filter(move |it| matches!(it, Said::Value(_)) == is_value);
            chosen.map(|it| words::said(it, self.w)).collect()
        };
        let need_place = need.as_ref().map(|it| it.place.clone());
        ReadBackPage {
            w: self.w,
            patient: self.patient,
            name: words::name(self.person),
            problem,
            values: of(true),
            answers: of(false),
            needs: kinds_of(need.as_ref(), self.w),
            need_words: self.typed.get("need_words").to_owned(),
            need_place: need_place.unwrap_or_default(),
            need_consent: need.map(|it| it.has_consent),
            note: self.typed.get("note").to_owned(),
            carried: self
                .typed
                .carried()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            call: call.to_string(),
            at,
        }
    }

    /// What the diary says of the call, in one note.
    pub(crate) fn line_of_diary(&self, said: &[Said]) -> String {
        let w = words::of_record();
        let mut lines = vec!["Telefonata con il paziente.".to_owned()];
        let told: Vec<String> = said
            .iter()
            .map(|it| {
                let (what, answer) = words::said(it, w);
                format!("{what} {answer}")
            })
            .collect();
        if !told.is_empty() {
            lines.push(format!("{}.", told.join("; ")));
        }
        let need = Draft::of(self.typed);
        let kinds = kinds_of(need.as_ref(), w);
        if !kinds.is_empty() {
            lines.push(format!("Ha bisogno di: {}.", kinds.join(", ")));
        }
        // The note first: what is needed is kept by itself, should there be too much.
        let free = [self.typed.get("note"), self.typed.get("need_words")];
        lines.extend(
            free.into_iter()
                .filter(|it| !it.is_empty())
                .map(str::to_owned),
        );
        let line = lines.join("\n");
        let plain = |letter: char| match letter {
            '\n' => letter,
            odd if odd.is_control() => ' ',
            letter => letter,
        };
        let line = line.chars().map(plain);
        line.take(veglia_diary::WORDS_CHARS_MAX).collect()
    }
}

fn kinds_of(need: Option<&Draft>, w: Words) -> Vec<String> {
    let kinds = need.into_iter().flat_map(|it| &it.kinds);
    kinds.map(|code| kind_name(code, w)).collect()
}
