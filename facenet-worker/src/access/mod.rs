//! Who may do what. The variable `ACCESS` says whether anybody may search and enrol, or only who
//! sends an API key. [`Route::need`](crate::routes::Route::need) says what each route needs. A
//! request is checked before its body is read and before anything is computed.

pub(crate) mod keys;

use wire::access::{HEADER, Key, Scope};
use wire::log::Record;
use wire::{Kind, Problem};
use worker::{Env, Request};

use crate::{bindings, error};

/// Who may search and enrol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Who has a key that allows it.
    Private,
}

impl Access {
    /// What the operator has configured.
    ///
    /// # Errors
    /// 500 when that is neither. Then nothing is served: the instance may be meant to be private.
    pub(crate) fn configured(env: &Env) -> Result<Self, Problem> {
        let value = env.var(bindings::ACCESS).map(|value| value.to_string()).unwrap_or_default();
        Self::of(&value).ok_or_else(|| {
            let detail = "The operator has configured neither public nor private access.";
            let problem = Problem::new(Kind::Internal, detail);
            let what = "the variable ACCESS in wrangler.toml must be \"public\" or \"private\"";
            error::logged(what, problem)
        })
    }

    fn of(value: &str) -> Option<Self> {
        [Self::Public, Self::Private].into_iter().find(|access| access.as_str() == value)
    }

    /// The word for it, as the variable has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// Whom an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anybody.
    Nothing,
    /// Who holds the delete token that comes with the request. The private Worker checks it. Keys
    /// do not matter: a revoked one must not keep people from deleting their faces.
    Token,
    /// Whoever has a key of scope `admin`. Without one, the answer asks for a delete token.
    TokenOrAdmin,
    /// In private mode, who has a key with one of these scopes; in public mode anybody.
    InPrivate(&'static [Scope]),
    /// Who has a key with this scope, in both modes.
    Always(Scope),
}

/// What came with a request.
#[derive(Debug)]
enum Presented {
    Nothing,
    /// A key that this instance does not have, or no longer.
    Unknown,
    Known(Key),
}

/// What a request may do, once it is checked.
#[derive(Debug)]
pub(crate) struct Grant {
    key: Option<Key>,
}

impl Grant {
    /// The name of the key that was sent, if one was.
    pub(crate) fn key_name(&self) -> Option<&str> {
        self.key.as_ref().map(Key::name)
    }

    /// Whether the key allows what only an operator may.
    pub(crate) fn is_admin(&self) -> bool {
        self.check_admin().is_ok()
    }

    /// Checks that the key has the scope `admin`.
    ///
    /// # Errors
    /// 401 or 403 when it is not.
    pub(crate) fn check_admin(&self) -> Result<(), Problem> {
        match &self.key {
            None => Err(wrong_key("", &[Scope::Admin])),
            Some(key) if !allows(key, &[Scope::Admin]) => Err(missing_scope(&[Scope::Admin])),
            Some(_) => Ok(()),
        }
    }
}

/// Checks whether a request may do what needs this.
///
/// # Errors
/// 401 without a key or with an unknown one, 403 with one that lacks the scope. Both name the
/// scope.
pub(crate) fn check(
    request: &Request,
    env: &Env,
    need: Need,
    record: &Record,
) -> Result<Grant, Problem> {
    let access = Access::configured(env)?;
    let presented = match request.headers().get(HEADER).map_err(error::internal)? {
        None => Presented::Nothing,
        Some(secret) => {
            keys::find(env, &secret, record).map_or(Presented::Unknown, Presented::Known)
        }
    };
    decide(access, need, presented)
}

fn decide(access: Access, need: Need, presented: Presented) -> Result<Grant, Problem> {
    let scopes: &[Scope] = match (&need, access) {
        (Need::Always(scope), _) => std::slice::from_ref(scope),
        (Need::TokenOrAdmin, _) => &[Scope::Admin],
        (Need::InPrivate(scopes), Access::Private) => scopes,
        _ => &[],
    };
    match presented {
        _ if need == Need::Token => Ok(Grant { key: None }),
        // A wrong key is refused even where none is needed, so that nobody thinks it works.
        Presented::Unknown => {
            Err(wrong_key("The key in `X-API-Key` is unknown here, or was revoked. ", scopes))
        }
        Presented::Nothing if need == Need::TokenOrAdmin => {
            let detail = "Send the delete token as `Authorization: Bearer <token>`, or a key of \
                          scope `admin` as `X-API-Key`.";
            Err(Problem::new(Kind::WrongToken, detail))
        }
        Presented::Nothing if scopes.is_empty() => Ok(Grant { key: None }),
        Presented::Nothing => Err(wrong_key("", scopes)),
        Presented::Known(key) if scopes.is_empty() || allows(&key, scopes) => {
            Ok(Grant { key: Some(key) })
        }
        Presented::Known(_) => Err(missing_scope(scopes)),
    }
}

fn allows(key: &Key, scopes: &[Scope]) -> bool {
    scopes.iter().any(|scope| key.scopes().contains(scope))
}

fn wrong_key(reason: &str, scopes: &[Scope]) -> Problem {
    let advice = if scopes.is_empty() {
        "Leave it out, or ask the operator for another.".to_owned()
    } else {
        format!(
            "This needs a key of scope {}: send it as `X-API-Key`. The operator gives out keys.",
            words(scopes)
        )
    };
    Problem::new(Kind::WrongKey, format!("{reason}{advice}"))
}

fn missing_scope(scopes: &[Scope]) -> Problem {
    let scopes = words(scopes);
    let detail = format!(
        "The key in `X-API-Key` lacks the scope {scopes}. Ask the operator for one that has it."
    );
    Problem::new(Kind::MissingScope, detail)
}

fn words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEARCH_OR_ENROL: Need = Need::InPrivate(&[Scope::Search, Scope::Enrol]);

    fn key(scopes: &[Scope]) -> Presented {
        Presented::Known(Key::new("a", scopes).unwrap())
    }

    #[track_caller]
    fn refused(access: Access, need: Need, presented: Presented, kind: Kind, word: &str) {
        let problem = decide(access, need, presented).unwrap_err();
        assert_eq!(problem.kind, kind);
        assert!(problem.detail.contains(word), "{}", problem.detail);
    }

    #[test]
    fn access_is_public_or_private_and_nothing_else() {
        assert_eq!(Access::of("public"), Some(Access::Public));
        assert_eq!(Access::of("private"), Some(Access::Private));
        for other in ["", "Public", " private", "true"] {
            assert_eq!(Access::of(other), None, "{other}");
        }
    }

    #[test]
    fn in_private_mode_any_of_the_scopes_suffices() {
        for scope in Scope::ALL {
            let allowed = matches!(scope, Scope::Search | Scope::Enrol);
            let outcome = decide(Access::Private, SEARCH_OR_ENROL, key(&[scope]));
            assert_eq!(outcome.is_ok(), allowed, "{scope}");
            // In public mode no scope is asked for.
            decide(Access::Public, SEARCH_OR_ENROL, key(&[scope])).unwrap();
        }
        decide(Access::Public, SEARCH_OR_ENROL, Presented::Nothing).unwrap();
        let both = "`search` or `enrol`";
        refused(Access::Private, SEARCH_OR_ENROL, Presented::Nothing, Kind::WrongKey, both);
        refused(Access::Private, SEARCH_OR_ENROL, Presented::Unknown, Kind::WrongKey, both);
        let admin = key(&[Scope::Admin, Scope::Vector]);
        refused(Access::Private, SEARCH_OR_ENROL, admin, Kind::MissingScope, both);
    }

    #[test]
    fn some_scopes_are_needed_in_both_modes() {
        for access in [Access::Public, Access::Private] {
            for scope in [Scope::Vector, Scope::Admin] {
                let need = Need::Always(scope);
                decide(access, need, key(&[scope])).unwrap();
                let others: Vec<_> = Scope::ALL.into_iter().filter(|&one| one != scope).collect();
                refused(access, need, key(&others), Kind::MissingScope, scope.as_str());
                refused(access, need, Presented::Nothing, Kind::WrongKey, scope.as_str());
                refused(access, need, Presented::Unknown, Kind::WrongKey, scope.as_str());
            }
        }
    }

    #[test]
    fn a_wrong_key_is_refused_where_none_is_needed_but_not_beside_a_delete_token() {
        for access in [Access::Public, Access::Private] {
            refused(access, Need::Nothing, Presented::Unknown, Kind::WrongKey, "Leave it out");
            let need = Need::TokenOrAdmin;
            refused(access, need, Presented::Nothing, Kind::WrongToken, "`admin`");
            refused(access, need, Presented::Unknown, Kind::WrongKey, "`admin`");
            refused(access, need, key(&[Scope::Enrol]), Kind::MissingScope, "`admin`");
            assert!(decide(access, need, key(&[Scope::Admin])).unwrap().is_admin());
            for presented in [Presented::Nothing, Presented::Unknown, key(&[Scope::Admin])] {
                let grant = decide(access, Need::Token, presented).unwrap();
                assert!(!grant.is_admin(), "a token makes no admin");
            }
            assert!(decide(access, Need::Nothing, key(&[Scope::Admin])).unwrap().is_admin());
            assert!(!decide(access, Need::Nothing, key(&[Scope::Search])).unwrap().is_admin());
        }
    }
}
