// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// OpenSSL's error queue of the calling thread.
///
/// The queue outlives a call: an error left in it makes the next, unrelated call on the same thread look failed, so it is
/// emptied before each operation.
enum TLSError {
    /// Empties the queue. Looking first is cheaper: emptying walks all its sixteen places, and a record is read often.
    static func clear() { if ERR_peek_error() != 0 { ERR_clear_error() } }

    /// The oldest error's reason number, without taking it out; 0 when the queue is empty.
    static var firstReason: Int32 {
        let code = ERR_peek_error()
        return code == 0 ? 0 : ERR_GET_REASON(code)
    }

    /// Takes all errors out and joins their texts.
    static func take() -> String {
        var texts: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            // A handful says it all; the rest is only taken out.
            guard texts.count < 3 else { continue }
            let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
            if !texts.contains(text) { texts.append(text) }
        }
        return texts.isEmpty ? "no reason given" : texts.joined(separator: "; ")
    }
}
