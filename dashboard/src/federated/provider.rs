//! The identity provider (OpenID Connect): where it is asked who somebody is, and what it must
//! have answered to be believed.
//!
//! Authorization code with PKCE, a nonce and a state. What it says of itself (addresses, keys) is
//! kept for [`KNOWN_FOR_MS`] and asked anew when a signature fits no key: it may have exchanged
//! them. One that did not answer is left alone for [`DOWN_FOR_MS`], so that whoever stands at the
//! door is told at once. Signatures with the shared secret are not believed: a key of its own.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse,
};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;
use url::Url;
use veglia_wire::WallMs;

use super::config::Federated;
use super::http::Client;
use crate::pages;

/// How long its addresses and keys are taken as known.
const KNOWN_FOR_MS: i64 = 10 * 60 * 1_000;

/// How long it is left alone after it did not answer.
const DOWN_FOR_MS: i64 = 10 * 1_000;

/// Longest name of a person that is looked at.
const SUBJECT_BYTES_MAX: usize = 1_024;

/// Its own keys, of any kind in use.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Asking = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody was recognised.
#[derive(Debug, Error)]
pub(crate) enum FederatedError {
    /// It does not answer.
    #[error("the identity provider does not answer: {0}")]
    Down(String),
    /// What it answered does not hold.
    #[error("the identity provider was not believed: {0}")]
    Refused(String),
    /// It recognised somebody, not well enough.
    #[error("the identity provider recognised somebody by less than is required")]
    Weak,
}

/// A sign-in that went to the provider.
pub(crate) struct Begun {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// What is known of it.
enum Known {
    Nothing,
    Up(Box<CoreProviderMetadata>, WallMs),
    Down(WallMs),
}

/// The provider. `Debug` shows no secret.
pub(crate) struct Provider {
    config: Federated,
    issuer: IssuerUrl,
    secret: ClientSecret,
    back_to: RedirectUrl,
    client: Client,
    known: Mutex<Known>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.config.issuer)
    }
}

impl Provider {
    pub(crate) fn new(
        config: Federated,
        issuer: IssuerUrl,
        secret: String,
        back_to: RedirectUrl,
        client: Client,
    ) -> Self {
        Self {
            config,
            issuer,
            secret: ClientSecret::new(secret),
            back_to,
            client,
            known: Mutex::new(Known::Nothing),
        }
    }

    pub(crate) fn config(&self) -> &Federated {
        &self.config
    }

    /// Where the browser goes, and what is remembered of it until it is back.
    pub(crate) async fn begin(&self, now: WallMs) -> Result<(Url, Begun), FederatedError> {
        let asking = self.asking(self.known(now).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = asking
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            // Whoever was recognised there before may have left this screen to somebody else.
            .add_prompt(CoreAuthPrompt::Login)
            .set_pkce_challenge(challenge);
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for level in &self.config.acr {
            request =
                request.add_auth_context_value(AuthenticationContextClass::new(level.clone()));
        }
        let (address, state, nonce) = request.url();
        let begun = Begun {
            state,
            nonce,
            verifier,
        };
        Ok((address, begun))
    }

    /// Who it says that somebody is: the value of the claim that names them.
    pub(crate) async fn finish(
        &self,
        begun: Begun,
        (code, state): (String, &str),
        now: WallMs,
    ) -> Result<String, FederatedError> {
        if begun.state.secret() != state {
            return Err(FederatedError::Refused("another state".to_owned()));
        }
        let asking = self.asking(self.known(now).await?);
        let request = asking
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| FederatedError::Refused(pages::chain(&error)))?
            .set_pkce_verifier(begun.verifier);
        let tokens = request.request_async(&self.client).await;
        let tokens = tokens.map_err(|error| match &error {
            RequestTokenError::Request(_) => FederatedError::Down(pages::chain(&error)),
            // What it says of the code: its own words are not repeated.
            RequestTokenError::ServerResponse(_) => {
                FederatedError::Refused("it refused the code".to_owned())
            }
            _ => FederatedError::Refused(pages::chain(&error)),
        })?;
        let token = tokens
            .id_token()
            .ok_or_else(|| FederatedError::Refused("no identity".to_owned()))?;
        let claims = match verified(&asking, token, &begun.nonce, now) {
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let mut known = self.known.lock().await;
                let renewed = self.asking(self.learn(&mut known, now).await?);
                verified(&renewed, token, &begun.nonce, now).cloned()
            }
            other => other.cloned(),
        };
        let claims = claims.map_err(|error| FederatedError::Refused(pages::chain(&error)))?;
        if !self.is_enough(&claims) {
            return Err(FederatedError::Weak);
        }
        subject(token, &self.config.claim)
            .ok_or_else(|| FederatedError::Refused("the claim that names a person".to_owned()))
    }

    fn is_enough(&self, claims: &CoreIdTokenClaims) -> bool {
        let (acr, amr) = (&self.config.acr, &self.config.amr);
        let level = claims.auth_context_ref().map(|it| it.as_str());
        let is_level = acr.is_empty() || acr.iter().any(|it| Some(it.as_str()) == level);
        let means = claims
            .auth_method_refs()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let is_means = amr.is_empty() || means.iter().any(|it| amr.contains(it));
        is_level && is_means
    }

    fn asking(&self, metadata: CoreProviderMetadata) -> Asking {
        let id = ClientId::new(self.config.client_id.clone());
        CoreClient::from_provider_metadata(metadata, id, Some(self.secret.clone()))
            .set_redirect_uri(self.back_to.clone())
    }

    /// What it says of itself, from a short while ago or from now. One asks at a time.
    async fn known(&self, now: WallMs) -> Result<CoreProviderMetadata, FederatedError> {
        let is_lately = |since: WallMs, ms: i64| (0..ms).contains(&now.since(since));
        let mut known = self.known.lock().await;
        match &*known {
            Known::Up(metadata, since) if is_lately(*since, KNOWN_FOR_MS) => {
                Ok(CoreProviderMetadata::clone(metadata))
            }
            Known::Down(since) if is_lately(*since, DOWN_FOR_MS) => {
                Err(FederatedError::Down("as a moment ago".to_owned()))
            }
            _ => self.learn(&mut known, now).await,
        }
    }

    /// What it says of itself now.
    async fn learn(
        &self,
        known: &mut Known,
        now: WallMs,
    ) -> Result<CoreProviderMetadata, FederatedError> {
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.client).await {
            Ok(metadata) => {
                *known = Known::Up(Box::new(metadata.clone()), now);
                Ok(metadata)
            }
            Err(error) => {
                *known = Known::Down(now);
                Err(FederatedError::Down(pages::chain(&error)))
            }
        }
    }
}

fn verified<'a>(
    asking: &Asking,
    token: &'a CoreIdToken,
    nonce: &Nonce,
    now: WallMs,
) -> Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
    let now = DateTime::<Utc>::from_timestamp_millis(now.0).unwrap_or_default();
    let verifier = asking
        .id_token_verifier()
        .set_allowed_algs(SIGNED_BY)
        .set_time_fn(move || now);
    token.claims(&verifier, nonce)
}

/// A claim of a token that was verified: the library gives out those it knows, not every one.
fn subject(token: &CoreIdToken, claim: &str) -> Option<String> {
    let text = token.to_string();
    let payload = text.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    let subject = payload.get(claim)?.as_str()?;
    let fits = !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX;
    fits.then(|| subject.to_owned())
}
