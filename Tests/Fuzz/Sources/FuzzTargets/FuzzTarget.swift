// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// A parser under attack, and what must hold for every input.
///
/// The last bytes of an input choose options and chunks, so that a seed or a finding is otherwise what stands on the wire.
enum FuzzTarget: String, CaseIterable {
    case compression
    case framing
    case journal
    case mapping
    case normalizer
    case payload
    case proxy
    case relp
    case rules
    case syslog

    /// The target that `PENSTOCK_FUZZ` names.
    static let chosen: FuzzTarget = {
        let name = unsafe getenv("PENSTOCK_FUZZ").map { unsafe String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            print("PENSTOCK_FUZZ must be one of: " + allCases.map(\.rawValue).joined(separator: " "))
            exit(2)
        }
        return target
    }()

    func run(_ input: RawSpan) {
        switch self {
        case .compression: fuzzCompression(input)
        case .framing: fuzzFraming(input)
        case .journal: fuzzJournal(input)
        case .mapping: fuzzMapping(input)
        case .normalizer: fuzzNormalizer(input)
        case .payload: fuzzPayload(input)
        case .proxy: fuzzProxy(input)
        case .relp: fuzzRELP(input)
        case .rules: fuzzRules(input)
        case .syslog: fuzzSyslog(input)
        }
    }

    /// What takes long and is needed for all inputs; what there is to begin with goes to `PENSTOCK_FUZZ_SEEDS`, a folder.
    func prepare() {
        let folder = unsafe getenv("PENSTOCK_FUZZ_SEEDS").map { unsafe String(cString: $0) }
        switch self {
        case .mapping: prepareMapping(seeds: folder)
        case .normalizer: prepareNormalizer(seeds: folder)
        case .compression, .framing, .journal, .payload, .proxy, .relp, .rules, .syslog: break
        }
    }
}

/// What libFuzzer calls first: its time limit for an input does not count here.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeRawPointer?, _ arguments: UnsafeRawPointer?) -> CInt {
    FuzzTarget.chosen.prepare()
    return 0
}

/// What the leak sanitizer leaves out: globals, since it does not see through the tags in Swift's references.
@_cdecl("__lsan_default_suppressions")
public func suppressions() -> UnsafeRawPointer {
    let names: StaticString = "leak:once_slow\n"
    return unsafe UnsafeRawPointer(names.utf8Start)
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
    guard let start = unsafe start else { return 0 }
    FuzzTarget.chosen.run(unsafe RawSpan(_unsafeStart: start, byteCount: count))
    return 0
}

/// Stops the fuzzer, which keeps the input, unless `condition` holds.
func check(_ condition: Bool, _ what: @autoclosure () -> String, line: UInt = #line) {
    guard !condition else { return }
    // Unbuffered: abort(3) flushes nothing.
    let text = "broken invariant (line \(line)): \(what())\n"
    _ = unsafe write(2, text, text.utf8.count)
    abort()
}

/// The bytes that choose, taken from the end of an input; 0 where there are none.
struct Choices: ~Escapable {
    /// What is not taken.
    private(set) var rest: RawSpan

    @_lifetime(copy input)
    init(_ input: RawSpan) { rest = input }

    /// The last byte, which `rest` has no more.
    @_lifetime(self: copy self)
    mutating func next() -> Int {
        guard let last = rest.byte(at: rest.byteCount - 1) else { return 0 }
        rest = rest.part(0, rest.byteCount - 1)
        return Int(last)
    }
}

/// How a stream is cut into reads: sizes that follow from a seed.
struct Chunks {
    private var state: UInt32

    init(seed: Int) { state = UInt32(truncatingIfNeeded: seed) &* 2_654_435_761 | 1 }

    /// The size of the next read: most are short, some are long.
    mutating func next() -> Int {
        state = state &* 1_664_525 &+ 1_013_904_223
        let draw = state >> 16
        return draw & 7 == 7 ? Int(draw >> 3) % 1_000 + 1 : Int(draw >> 3) % 9 + 1
    }
}

/// A connection's buffer: what is consumed is forgotten.
struct ConnectionBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ more: RawSpan) { bytes += more.array }

    mutating func consume(_ count: Int) { bytes.removeFirst(count) }
}
