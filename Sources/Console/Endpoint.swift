// SPDX-License-Identifier: Apache-2.0
public import Hummingbird
internal import HTTPTypes
public import Instruments
public import Logging

/// The HTTP endpoint that operators and schedulers ask: `/healthz`, `/readyz`, `/metrics`.
public enum Endpoint {
    /// The application at `host` and `port`; it stops when its service group is told to.
    ///
    /// - Parameters:
    ///   - isReady: why the service is not ready, or nil when it is.
    ///   - remarks: lines for people that a service which is ready adds.
    ///   - refresh: called before every scrape, to set gauges that nobody else keeps.
    public static func application(
        host: String, port: Int, registry: Registry, logger: Logger, isReady: @escaping @Sendable () -> String?,
        remarks: @escaping @Sendable () -> [String] = { [] }, refresh: @escaping @Sendable () -> Void
    ) -> some ApplicationProtocol {
        let router = Router()
        // Alive: the process answers.
        router.get("/healthz") { _, _ in text("ok\n") }
        // Ready: every listener is bound and every output was started.
        router.get("/readyz") { _, _ in
            if let reason = isReady() { return text(reason + "\n", status: .serviceUnavailable) }
            return text((["ready"] + remarks()).map { $0 + "\n" }.joined())
        }
        router.get("/metrics") { _, _ in
            refresh()
            return text(registry.exposition(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        return Application(
            router: router,
            configuration: .init(address: .hostname(host, port: port), serverName: "penstock"), logger: logger)
    }

    private static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
