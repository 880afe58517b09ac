//! What the authority signs: servers, services, and the requests of gateways.

use std::net::IpAddr;

use rcgen::string::Ia5String;
use rcgen::{
    Certificate, CertificateParams, ExtendedKeyUsagePurpose, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber,
};

use super::{Authority, MAX_CENTRE_CHARS};
use crate::document::is_name;
use crate::identities::MAX_NAME_CHARS;
use crate::key::{Key, KeyError, common_name};
use crate::request::Request;
use crate::seconds::UnixSeconds;

/// Days that a gateway's certificate lives. A box that was off for a season can still renew: the
/// renewal is proven by the key, not by the certificate.
pub const GATEWAY_DAYS: i64 = 90;

/// Days that the certificates of the centre's own machines live, which a person renews once a
/// year: a year and a month.
pub const CENTRE_DAYS: i64 = 397;

/// Most names of one server. More means that several servers were meant.
pub const MAX_HOSTS: usize = 32;

/// Longest host name, as DNS bounds it.
const MAX_HOST_CHARS: usize = 253;

/// Longest label between two dots, as DNS bounds it.
const MAX_LABEL_CHARS: usize = 63;

/// As many random bytes as a serial number has: 20 are allowed, and 16 never meet by chance.
const SERIAL_BYTES: usize = 16;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The server needs a name that clients can ask for.
    #[error("name at least one and at most {MAX_HOSTS} hosts: they are what clients connect to")]
    HowManyHosts,
    /// Not a host name and not an address.
    #[error("{0:?} is neither a host name nor an IP address: write it as clients do, without port")]
    Host(String),
    /// Not a name of the allow-list.
    #[error("{0:?} is not a name: use 1 to {MAX_NAME_CHARS} of A-Z a-z 0-9 _ -")]
    Name(String),
    /// This machine believes that the authority is not made yet.
    #[error("the clock of this machine is before the authority was made: set it first")]
    ClockBefore,
    /// The root has ended.
    #[error("the authority has expired: make a new one and enrol every box again")]
    Expired,
    /// The key of the server could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The operating system gave no random bytes.
    #[error("no serial number could be made: the system gave no random bytes")]
    Random(#[source] getrandom::Error),
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Crypto(#[source] rcgen::Error),
}

/// A server's new key and its certificate.
#[derive(Debug)]
pub struct Issued {
    /// The private key.
    pub key: Key,
    /// PEM: the certificate, then the root, so that a box finds in the chain the root it pins.
    pub certificate: String,
}

/// What differs between two certificates of this authority.
struct Wanted {
    common_name: String,
    names: Vec<SanType>,
    usage: ExtendedKeyUsagePurpose,
    days: i64,
}

impl Authority {
    /// Makes a key and a certificate for a server of these host names and addresses.
    pub fn issue_server(&self, hosts: &[String], now: UnixSeconds) -> Result<Issued, SignError> {
        let key = Key::generate()?;
        let certificate = self.server_certificate(hosts, &key, now)?;
        Ok(Issued { key, certificate })
    }

    /// The certificate of a server that has its key already: PEM, as in [`Issued`].
    pub fn server_certificate(
        &self,
        hosts: &[String],
        key: &Key,
        now: UnixSeconds,
    ) -> Result<String, SignError> {
        let Some(first) = hosts.first().filter(|_| hosts.len() <= MAX_HOSTS) else {
            return Err(SignError::HowManyHosts);
        };
        let names: Result<Vec<SanType>, _> = hosts.iter().map(|host| host_name(host)).collect();
        // The common name is for people; a long host name does not fit.
        let fits = first.len() <= MAX_CENTRE_CHARS;
        let common_name = if fits { first } else { self.centre() };
        let wanted = Wanted {
            common_name: common_name.to_owned(),
            names: names?,
            usage: ExtendedKeyUsagePurpose::ServerAuth,
            days: CENTRE_DAYS,
        };
        Ok(self.issue(key, wanted, now)?.pem() + self.pem())
    }

    /// A client certificate (PEM) for a service of the centre, with a key made here.
    pub fn issue_service(
        &self,
        name: &str,
        key: &Key,
        now: UnixSeconds,
    ) -> Result<String, SignError> {
        let wanted = self.client(name, CENTRE_DAYS)?;
        Ok(self.issue(key, wanted, now)?.pem())
    }

    /// A client certificate (PEM) for the identity of this name, with the key of the request.
    /// Whether that identity may have that key is for the caller to know.
    pub fn sign(
        &self,
        request: &Request,
        name: &str,
        now: UnixSeconds,
    ) -> Result<String, SignError> {
        let wanted = self.client(name, GATEWAY_DAYS)?;
        Ok(self.issue(&request.public_key, wanted, now)?.pem())
    }

    fn client(&self, name: &str, days: i64) -> Result<Wanted, SignError> {
        if !is_name(name) {
            return Err(SignError::Name(name.to_owned()));
        }
        let uri = format!("veglia:{}:{name}", self.centre());
        let uri = Ia5String::try_from(uri).map_err(SignError::Crypto)?;
        Ok(Wanted {
            common_name: name.to_owned(),
            names: vec![SanType::URI(uri)],
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            days,
        })
    }

    fn issue(
        &self,
        public_key: &impl PublicKeyData,
        wanted: Wanted,
        now: UnixSeconds,
    ) -> Result<Certificate, SignError> {
        if now < self.not_before() {
            return Err(SignError::ClockBefore);
        }
        if now >= self.not_after() {
            return Err(SignError::Expired);
        }
        let end = now.plus_days(wanted.days).min(self.not_after());
        let dates = self.not_before().as_date().zip(end.as_date());
        // Both lie within the root's life, which was a possible one when it was made.
        let (not_before, not_after) = dates.ok_or(SignError::Expired)?;
        let mut params = CertificateParams::default();
        params.not_before = not_before;
        params.not_after = not_after;
        params.distinguished_name = common_name(&wanted.common_name);
        params.subject_alt_names = wanted.names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![wanted.usage];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(serial_number().map_err(SignError::Random)?);
        let signed = params.signed_by(public_key, &self.issuer);
        signed.map_err(SignError::Crypto)
    }
}

/// Random and positive: the highest bit would be read as a sign.
pub(super) fn serial_number() -> Result<SerialNumber, getrandom::Error> {
    let mut bytes = [0; SERIAL_BYTES];
    getrandom::fill(&mut bytes)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn host_name(host: &str) -> Result<SanType, SignError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=MAX_LABEL_CHARS).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits only would be an address that is none: 10.0.0.256.
    let last_is_number = host
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if host.len() > MAX_HOST_CHARS || !host.split('.').all(is_label) || last_is_number {
        return Err(SignError::Host(host.to_owned()));
    }
    let name = Ia5String::try_from(host).map_err(SignError::Crypto)?;
    Ok(SanType::DnsName(name))
}
