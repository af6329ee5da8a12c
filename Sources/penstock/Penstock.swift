// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc

/// The version that `--version`, feeds and files carry.
let penstockVersion = "0.1.0"

@main
struct Penstock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penstock",
        abstract: "Turns syslog and control-network traffic into OCSF events, detections and incidents.",
        version: penstockVersion,
        subcommands: [
            RunCommand.self, DemoCommand.self, CheckCommand.self, ParseCommand.self, NormalizeCommand.self,
            ReadCommand.self, DetectCommand.self, FormatCommand.self, LakeCommand.self, TestCommand.self,
            ReplayCommand.self, VerifyCommand.self, IncidentCommand.self, ReportCommand.self,
        ])

    static func main() async {
        // A peer or a pipe that goes away is an error of its write, not the end of the service.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            let status = exitCode(for: error)
            let text = fullMessage(for: error)
            if status == .success { print(text) } else { complain(text) }
            // The contract: 0 fine, 1 found problems, 2 wrong usage.
            Glibc.exit(status == .success ? 0 : status == .validationFailure ? 2 : 1)
        }
    }
}

/// Writes one line to standard error.
func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    line.withUnsafeBytes { bytes in
        var start = 0
        while start < bytes.count {
            let written = write(2, bytes.baseAddress! + start, bytes.count - start)
            if written < 0 { return }
            start += written
        }
    }
}

/// Lets the calling thread wait.
func sleepMilliseconds(_ count: Int) {
    var pause = timespec(tv_sec: count / 1000, tv_nsec: count % 1000 * 1_000_000)
    nanosleep(&pause, nil)
}

/// Nanoseconds of a clock that nobody sets: what a wait or a deadline is measured by.
func steadyClock() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// The time of day in nanoseconds since the epoch.
func wallClock() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}
