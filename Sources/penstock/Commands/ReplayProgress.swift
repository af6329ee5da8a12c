// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// How far a replay has come, on standard error: a bar in a terminal, else a line every ten seconds.
struct ReplayProgress {
    private let total: Int
    private let isQuiet: Bool
    private let isTerminal = isatty(2) == 1
    private let start = steadyClock()
    private var next: Int64

    /// Progress towards `total` frames.
    init(total: Int, isQuiet: Bool) {
        self.total = total
        self.isQuiet = isQuiet
        next = start + (isTerminal ? 200_000_000 : 10_000_000_000)
    }

    /// Shows that `done` frames were read, when it is time to.
    mutating func show(_ done: Int) {
        let now = steadyClock()
        guard !isQuiet, now >= next else { return }
        next = now + (isTerminal ? 200_000_000 : 10_000_000_000)
        let text = ReplayProgress.text(done, of: total, nanoseconds: now - start)
        guard isTerminal else { return complain(text) }
        put("\r" + ReplayProgress.bar(done, of: total) + " " + text + "\u{1B}[K")
    }

    /// Takes the bar away, and says what was done in what time.
    func end(_ done: Int) {
        guard !isQuiet else { return }
        if isTerminal { put("\r\u{1B}[K") }
        let elapsed = max(1, steadyClock() - start)
        complain("\(Self.grouped(done)) frames in \(Self.seconds(elapsed)), \(Self.grouped(rate(done, elapsed)))/s")
    }

    private func rate(_ done: Int, _ elapsed: Int64) -> Int { Int(Double(done) * 1e9 / Double(max(1, elapsed))) }

    /// `42 %, 1,200,000 of 2,857,142 frames, 400,000/s, 0:04 left`.
    static func text(_ done: Int, of total: Int, nanoseconds: Int64) -> String {
        let rate = Double(done) * 1e9 / Double(max(1, nanoseconds))
        let percent = total > 0 ? min(100, Int(100 * Double(done) / Double(total))) : 100
        var text = "\(percent) %, \(grouped(done)) of \(grouped(total)) frames, \(grouped(Int(rate)))/s"
        if rate > 0, done < total {
            let left = Int(min(Double(total - done) / rate, 1e9))
            let (minutes, seconds) = (left / 60, left % 60)
            text += minutes < 60 ? ", \(minutes):" : ", \(minutes / 60):\(two(minutes % 60)):"
            text += "\(two(seconds)) left"
        }
        return text
    }

    private static func bar(_ done: Int, of total: Int) -> String {
        let width = 24
        let full = total > 0 ? min(width, Int(Double(width) * Double(done) / Double(total))) : width
        return "[" + String(repeating: "#", count: full) + String(repeating: " ", count: width - full) + "]"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }

    /// A number with commas between thousands.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, digits[place - 1] != "-", (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
