// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// What a TLS session reads its records from: the socket, through the memory of the reader.
///
/// OpenSSL alone either takes two read(2) a record, or reads ahead into a buffer of its own whose whole rest it moves to
/// the front with every record (ssl3_read_n, to align it): at 250 bytes a record that is more work than the decryption.
/// So the ciphertext is received in one go into the far end of the reader's room, and OpenSSL takes it from there.
final class TLSInput {
    /// How receiving ended.
    enum Received { case bytes(Int), nothing, ended, failed }

    private let descriptor: Int32
    /// Ciphertext that OpenSSL has not taken yet.
    private(set) var next: UnsafeMutableRawPointer?
    private(set) var left = 0
    /// Ciphertext that was left when a read had to stop half-way, as for a key update without room to answer.
    private var stash: [UInt8] = []
    private var stashTaken = 0
    /// Whether OpenSSL gets only what ``receive(into:)`` has brought.
    var isBuffered = false
    /// Whether the other side has ended the TCP stream.
    private(set) var isEnded = false
    /// The `errno` that receiving failed with.
    private(set) var failure: Int32 = 0

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    // Never changed once made.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penstock") else { return nil }
        BIO_meth_set_read_ex(method) { bio, to, count, taken in
            guard let bio, let to, let taken, let data = BIO_get_data(bio) else { return 0 }
            BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY)
            let input = Unmanaged<TLSInput>.fromOpaque(data).takeUnretainedValue()
            guard let number = input.take(UnsafeMutableRawPointer(to), count) else {
                BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
                return 0
            }
            taken.pointee = number
            return number > 0 ? 1 : 0
        }
        BIO_meth_set_ctrl(method) { bio, command, _, _ in
            guard command == BIO_CTRL_EOF, let bio, let data = BIO_get_data(bio) else { return 0 }
            return Unmanaged<TLSInput>.fromOpaque(data).takeUnretainedValue().isEnded ? 1 : 0
        }
        return method
    }()

    /// A BIO that reads here; the input must outlive it.
    func bio() -> OpaquePointer? {
        guard let method = TLSInput.method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// Receives into `room`, which must stay until OpenSSL has taken all of it or ``keepRest()`` was called.
    func receive(into room: UnsafeMutableRawBufferPointer) -> Received {
        let count = socket(room.baseAddress, room.count)
        if count > 0 {
            next = room.baseAddress
            left = count
            return .bytes(count)
        }
        return count == 0 ? .nothing : isEnded ? .ended : .failed
    }

    /// Copies what OpenSSL has left of the received bytes, because their room goes.
    func keepRest() {
        if left > 0, let next { stash += UnsafeRawBufferPointer(start: next, count: left) }
        next = nil
        left = 0
    }

    /// Bytes for OpenSSL; nil when none are there now, 0 when none will come.
    private func take(_ to: UnsafeMutableRawPointer, _ count: Int) -> Int? {
        if stashTaken < stash.count {
            let number = min(count, stash.count - stashTaken)
            stash.withUnsafeBytes { to.copyMemory(from: $0.baseAddress! + stashTaken, byteCount: number) }
            stashTaken += number
            if stashTaken == stash.count {
                stash = []
                stashTaken = 0
            }
            return number
        }
        if left > 0, let from = next {
            let number = min(count, left)
            to.copyMemory(from: from, byteCount: number)
            next = from + number
            left -= number
            return number
        }
        guard !isEnded, failure == 0 else { return 0 }
        guard !isBuffered else { return nil }
        let number = socket(to, count)
        return number == 0 ? nil : max(number, 0)
    }

    /// Bytes received, 0 when none wait, -1 at the end and after a failure.
    private func socket(_ to: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        guard !isEnded, failure == 0 else { return -1 }
        let number = recv(descriptor, to, count, 0)
        if number > 0 { return number }
        if number == 0 {
            isEnded = true
            return -1
        }
        if errno == EAGAIN || errno == EINTR { return 0 }
        failure = errno
        return -1
    }
}
