// SPDX-License-Identifier: Apache-2.0
internal import CPCRE2
internal import Synchronization

/// PCRE2's code of an expression, with machine code once it was asked for; or nothing, where the expression has no such
/// form.
struct Expression: ~Copyable, @unchecked Sendable {
    /// Whether there is machine code.
    private enum Stage: UInt8, AtomicRepresentable {
        case untried
        case native
        case impossible
    }

    let code: OpaquePointer?
    private let stage = Atomic(Stage.untried)
    /// Held while machine code is made: nobody may match by the expression meanwhile (pcre2jit(3)).
    private let making = Mutex(())

    /// Takes over what `pcre2_compile` gave.
    init(_ code: OpaquePointer?) { self.code = code }

    deinit { pcre2_code_free_8(code) }

    /// PCRE2's answer for `count` bytes at `text`, tried from `start` on within the bounds of `context`.
    @inline(__always)
    func match(
        _ text: UnsafePointer<UInt8>, _ count: Int, from start: Int, _ data: OpaquePointer?, _ context: OpaquePointer?
    ) -> Int32 {
        var stage = stage.load(ordering: .acquiring)
        if stage == .untried { stage = make() }
        // What pcre2_match(3) checks besides is known: options it can take, and no UTF-8 to be valid.
        guard stage == .native else { return pcre2_match_8(code, text, count, start, 0, data, context) }
        return pcre2_jit_match_8(code, text, count, start, 0, data, context)
    }

    /// Makes the machine code, or waits for the thread that does.
    @inline(never)
    private func make() -> Stage {
        making.withLock { _ in
            let found = stage.load(ordering: .acquiring)
            guard found == .untried else { return found }
            let made = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0 ? Stage.native : .impossible
            stage.store(made, ordering: .releasing)
            return made
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether no byte is above 0x7F.
    var isASCII: Bool {
        var offset = 0
        var seen = SIMD16<UInt8>()
        while offset + 64 <= count {
            seen |= loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
            seen |= loadUnaligned(fromByteOffset: offset + 16, as: SIMD16<UInt8>.self)
            seen |= loadUnaligned(fromByteOffset: offset + 32, as: SIMD16<UInt8>.self)
            seen |= loadUnaligned(fromByteOffset: offset + 48, as: SIMD16<UInt8>.self)
            offset += 64
        }
        while offset + 16 <= count {
            seen |= loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
            offset += 16
        }
        var rest: UInt64 = 0
        if offset + 8 <= count {
            rest |= loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            rest |= UInt64(self[offset])
            offset += 1
        }
        let halves = unsafeBitCast(seen, to: SIMD2<UInt64>.self)
        return (halves[0] | halves[1] | rest) & 0x8080_8080_8080_8080 == 0
    }
}
