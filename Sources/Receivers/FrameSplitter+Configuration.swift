// SPDX-License-Identifier: Apache-2.0
internal import Codecs

extension FrameSplitter {
    /// A splitter for a new stream or file, as listeners and file inputs are configured.
    init(_ framing: ListenerConfiguration.Framing, maximum: Int, oversize: ListenerConfiguration.Oversize) {
        let mode: Mode =
            switch framing {
            case .auto: .auto
            case .octetCounting: .octet
            case .lineFeed: .lf
            case .nul: .nul
            }
        self.init(mode: mode, maximum: maximum, oversize: oversize == .split ? .split : .truncate)
    }
}
