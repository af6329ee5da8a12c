// SPDX-License-Identifier: Apache-2.0

/// Where a rule looks: the `logsource` of a Sigma rule, in lower case.
public struct LogSource: Sendable, Hashable {
    /// The kind of event, such as `process_creation`.
    public var category: String?
    /// What wrote it, such as `windows`.
    public var product: String?
    /// The part of the product, such as `sshd`.
    public var service: String?

    /// A log source; texts are taken in lower case.
    public init(category: String? = nil, product: String? = nil, service: String? = nil) {
        self.category = category?.lowercased()
        self.product = product?.lowercased()
        self.service = service?.lowercased()
    }

    /// Whether a rule with this log source looks at an event of `sources`: every key it names is the event's.
    public func covers(_ sources: LogSources) -> Bool {
        (category.map(sources.categories.contains) ?? true) && (product.map(sources.products.contains) ?? true)
            && (service.map(sources.services.contains) ?? true)
    }

    /// Whether a filter with this log source fits a rule with `other`: every key it names is the rule's.
    func fits(_ other: LogSource) -> Bool {
        (category == nil || category == other.category) && (product == nil || product == other.product)
            && (service == nil || service == other.service)
    }
}

/// What an event is, in the words of log sources; an event may be of several categories.
public struct LogSources: Sendable, Hashable {
    /// Its products.
    public var products: Set<String>
    /// Its categories.
    public var categories: Set<String>
    /// Its services.
    public var services: Set<String>

    /// The log sources of an event; texts are taken in lower case.
    public init(products: Set<String> = [], categories: Set<String> = [], services: Set<String> = []) {
        self.products = Set(products.map { $0.lowercased() })
        self.categories = Set(categories.map { $0.lowercased() })
        self.services = Set(services.map { $0.lowercased() })
    }
}
