// SPDX-License-Identifier: Apache-2.0

/// A record of an older layout lacks lists that came later: they are empty then.
extension KeyedDecodingContainer {
    func decode<Item: Decodable>(_ type: [Item].Type, forKey key: Key) throws -> [Item] {
        try decodeIfPresent(type, forKey: key) ?? []
    }
}
