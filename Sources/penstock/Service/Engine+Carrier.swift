// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Transport

extension Engine {
    /// How a feed's lines travel.
    static func carrier(_ feed: Configuration.Feed) throws -> FeedSettings.Carrier {
        switch feed.transport {
        case "udp": .udp
        case "tcp": .tcp
        default:
            .tls(
                try TLSContext.client(
                    ca: feed.certificateAuthority, certificate: feed.certificate, key: feed.key))
        }
    }
}
