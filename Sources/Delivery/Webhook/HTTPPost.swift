// SPDX-License-Identifier: Apache-2.0
internal import CCurl
internal import Glibc

/// POST requests to one URL over libcurl, which keeps the connection between them; it belongs to one thread.
struct HTTPPost: ~Copyable {
    /// What came of a request.
    enum Answer {
        /// The server answered with this status.
        case status(Int)
        /// No answer: the reason in words.
        case failure(String)
    }

    private let handle: OpaquePointer
    private let timeout: Int

    private static let initialized: Bool = {
        // SIGPIPE would end the process when a receiver hangs up during TLS (CURLOPT_NOSIGNAL(3)).
        signal(SIGPIPE, SIG_IGN)
        return curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
    }()

    /// A client of the receiver that `settings` name; nil when libcurl cannot be used.
    init?(_ settings: WebhookSettings) {
        guard HTTPPost.initialized, let made = curl_easy_init() else { return nil }
        handle = OpaquePointer(made)
        timeout = Int(
            settings.timeout.components.seconds * 1000 + settings.timeout.components.attoseconds / 1_000_000_000_000_000
        )
        set(CURLOPT_URL, settings.url)
        // No other protocol may be reached, and no redirect is followed: notifications hold secrets of the plant.
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_POST, 1)
        set(CURLOPT_TIMEOUT_MS, timeout)
        set(CURLOPT_CONNECTTIMEOUT_MS, min(timeout, 10_000))
        set(CURLOPT_USERAGENT, "penstock")
        if let file = settings.caFile { set(CURLOPT_CAINFO, file) }
        if let file = settings.certificateFile { set(CURLOPT_SSLCERT, file) }
        if let file = settings.keyFile { set(CURLOPT_SSLKEY, file) }
        if !settings.verify {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        // The body of the answer is of no use; without a function libcurl would print it.
        _ = penstock_curl_set_write(UnsafeMutableRawPointer(handle)) { _, size, count, _ in size * count }
    }

    deinit { curl_easy_cleanup(UnsafeMutableRawPointer(handle)) }

    private func set(_ option: CURLoption, _ value: String) {
        _ = penstock_curl_set_string(UnsafeMutableRawPointer(handle), option, value)
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = penstock_curl_set_long(UnsafeMutableRawPointer(handle), option, value)
    }

    /// Posts `body` with `headers` (`name: value`), and waits for the answer.
    func post(_ body: [UInt8], headers: [String]) -> Answer {
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for header in headers {
            guard let longer = curl_slist_append(list, header) else { return .failure("no memory for the headers") }
            list = longer
        }
        let raw = UnsafeMutableRawPointer(handle)
        _ = penstock_curl_set_list(raw, CURLOPT_HTTPHEADER, list)
        _ = penstock_curl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        var body = body
        let code = body.withUnsafeMutableBytes { bytes in
            // Not copied: the bytes stay in place until the transfer ends.
            _ = penstock_curl_set_pointer(raw, CURLOPT_POSTFIELDS, bytes.baseAddress)
            return curl_easy_perform(raw)
        }
        _ = penstock_curl_set_pointer(raw, CURLOPT_POSTFIELDS, nil)
        _ = penstock_curl_set_list(raw, CURLOPT_HTTPHEADER, nil)
        guard code == CURLE_OK else { return .failure(String(cString: curl_easy_strerror(code))) }
        var status = 0
        _ = penstock_curl_get_long(raw, CURLINFO_RESPONSE_CODE, &status)
        return .status(status)
    }
}
