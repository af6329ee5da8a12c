// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport

@Suite(.timeLimit(.minutes(4))) struct DescriptorLimitTests {
    /// In a process of its own, because the limit is the process's.
    @Test func aProcessWithoutDescriptorsShedsConnectionsAndGoesOn() async {
        await #expect(processExitsWith: .success) {
            let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
            let python = Program.python(
                """
                import select, socket, sys
                many = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) for _ in range(100)]
                # Nobody is answered: who can read is closed. Until there is none more for two seconds.
                left = many
                while gone := select.select(left, [], [], 2)[0]: left = [s for s in left if s not in gone]
                print(len(many) - len(left))
                """, ["\(listener.address.port)"])
            // Room for some of the hundred, not for all.
            let next = dup(0)
            close(next)
            var limit = rlimit(rlim_cur: rlim_t(next) + 20, rlim_max: rlim_t(next) + 20)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var served: [StreamConnection] = []
            var shed = 0
            let end = ContinuousClock.now + .seconds(60)
            while served.count + shed < 100, ContinuousClock.now < end {
                switch listener.accept() {
                case .connection(let connection): served.append(connection)
                case .shed: shed += 1
                case .wouldBlock: usleep(1000)
                }
            }
            let closed = Int(python.finish().output.trimmingCharacters(in: .whitespacesAndNewlines))
            guard served.count > 0, served.count <= 20, shed == 100 - served.count, closed == shed else { exit(1) }
            served.removeAll()
            let again = try StreamClient.connect(to: "127.0.0.1", port: listener.address.port)
            guard case .connection = listener.accept() else { exit(2) }
            _ = again
            exit(0)
        }
    }
}
