//! Where the other server is: the little of a URL that is needed.

/// How it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// The raw stream, JSON lines.
    Tcp,
    /// Ask there where the stream is.
    Http,
}

impl Scheme {
    fn split(url: &str) -> Option<(Self, &str)> {
        let schemes = [("ws://", Self::Ws), ("wss://", Self::Wss), ("tcp://", Self::Tcp), ("http://", Self::Http)];
        schemes.into_iter().find_map(|(text, scheme)| Some((scheme, url.strip_prefix(text)?)))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Tcp => "tcp",
            Self::Http => "http",
        }
    }

    /// The port of an address that names none.
    const fn port(self) -> u16 {
        match self {
            Self::Ws | Self::Http => 80,
            Self::Wss => 443,
            Self::Tcp => 8375,
        }
    }

    /// The path of an address that names none.
    const fn path(self) -> &'static str {
        match self {
            Self::Ws | Self::Wss => "/signalk/v1/stream",
            Self::Tcp => "",
            Self::Http => "/signalk",
        }
    }
}

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    /// `host:port`, an IPv6 address in brackets.
    pub(super) host_and_port: String,
    pub(super) path: String,
    /// Without the question mark.
    pub(super) query: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = Scheme::split(url)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let is_plain =
            |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'@' | b'#'));
        if host.is_empty() || !is_plain(host) || !is_plain(path) || !is_plain(query) {
            return None;
        }
        let has_port = host.rsplit_once(':').is_some_and(|(name, port)| {
            !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']'))
        });
        let host_and_port = if has_port { host.to_owned() } else { format!("{host}:{}", scheme.port()) };
        let path = if matches!(path, "" | "/") { scheme.path() } else { path };
        Some(Self { scheme, host_and_port, path: path.to_owned(), query: query.to_owned() })
    }

    /// The host alone, an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.host_and_port.rsplit_once(':').map_or(&*self.host_and_port, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// For people: without the query, which may hold a token.
    pub(super) fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.host_and_port, self.path)
    }

    /// In full, with `more` added to the query as far as it does not say the same already.
    pub(super) fn with_query(&self, more: &[(&str, &str)]) -> String {
        let mut query = self.query.clone();
        for (name, value) in more {
            let is_there = self.query.split('&').any(|pair| pair.split('=').next() == Some(name));
            if !is_there {
                let and = if query.is_empty() { "" } else { "&" };
                query.extend([and, name, "=", value]);
            }
        }
        format!("{}?{query}", self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_leaves_out_is_what_is_usual() {
        let table = [
            ("ws://boat:3000", "ws://boat:3000/signalk/v1/stream"),
            ("ws://boat", "ws://boat:80/signalk/v1/stream"),
            ("wss://boat.example/", "wss://boat.example:443/signalk/v1/stream"),
            ("ws://[::1]:3000/x?y=z", "ws://[::1]:3000/x"),
            ("ws://[::1]", "ws://[::1]:80/signalk/v1/stream"),
            ("tcp://10.0.0.1", "tcp://10.0.0.1:8375"),
            ("http://boat:3000", "http://boat:3000/signalk"),
        ];
        for (url, shown) in table {
            assert_eq!(Address::parse(url).map(|a| a.shown()).as_deref(), Some(shown), "{url}");
        }
        for url in ["", "boat", "ftp://boat", "ws://", "ws:///x", "ws://a b", "ws://me@boat", "ws://a\r\nb"] {
            assert_eq!(Address::parse(url), None, "{url}");
        }
        assert_eq!(Address::parse("ws://[fe80::1]:3000").unwrap().host(), "fe80::1");
    }

    #[test]
    fn what_the_configured_query_says_counts() {
        let address = Address::parse("ws://boat:3000?token=t&subscribe=self").unwrap();
        let url = address.with_query(&[("subscribe", "all"), ("sendMeta", "all")]);
        assert_eq!(url, "ws://boat:3000/signalk/v1/stream?token=t&subscribe=self&sendMeta=all");
    }
}
