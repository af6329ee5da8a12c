// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Inventory
internal import Wire

extension Content {
    /// The threat-intelligence lists as one snapshot; what cannot be read or used is a complaint.
    static func intelligence(
        _ lists: [IntelligenceList], bounds: IntelligenceList.Bounds = .init(), complaints: Complaints
    ) -> ThreatIntelligence {
        guard !lists.isEmpty else { return .empty }
        var builder = ThreatIntelligence.Builder(bounds: bounds)
        for list in lists {
            do {
                // One byte more than may be: the builder tells that there is too much.
                let bytes = try Input.bytes(list.path, limit: bounds.fileBytes + 1)
                let updated = Input.lastChange(list.path) ?? wallClock()
                builder.add(list, bytes: bytes.span.bytes, updated: updated, complaints: complaints)
            } catch { complaints.add(Complaint(file: list.path, "list '\(list.name)' cannot be read: \(error)")) }
        }
        return builder.build()
    }
}
