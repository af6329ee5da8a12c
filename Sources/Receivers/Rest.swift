// SPDX-License-Identifier: Apache-2.0

/// How long a lane that had to wait sleeps on before it reads, so that messages gather.
///
/// A millisecond gathers a batch from one sender. From many connections that each send a message now and then it gathers
/// few a connection, and each connection costs a system call of its own: then the rest grows, up to eight milliseconds.
struct Rest {
    private static let longest = 8_000
    /// Fewer sockets than this are not worth a longer rest.
    private static let manySockets = 8
    private let shortest: Int
    /// The rest now.
    private(set) var microseconds: Int

    /// A rest of at least `shortest` microseconds; 0: none, ever.
    init(shortest: Int) {
        self.shortest = shortest
        microseconds = shortest
    }

    /// Takes note of what a rest has brought: so many ready sockets, and frames from them.
    mutating func learn(sockets: Int, frames: Int) {
        guard shortest > 0 else { return }
        if sockets >= Rest.manySockets, frames < 6 * sockets {
            microseconds = min(microseconds + 500, max(Rest.longest, shortest))
        } else if sockets < Rest.manySockets || frames > 16 * sockets {
            microseconds = max(microseconds / 2, shortest)
        }
    }
}
