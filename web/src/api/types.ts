/** Names for the bodies of the API, which are generated from its document. */
import type { components } from "./schema";

type Bodies = components["schemas"];

export type Account = Bodies["AccountBody"];
export type Corrected = Bodies["CorrectedBody"];
export type Dataset = Bodies["DatasetBody"];
export type DatasetList = Bodies["DatasetList"];
export type Edited = Bodies["EditedBody"];
export type InvitedTo = Bodies["InvitedTo"];
export type Item = Bodies["ItemBody"];
export type ItemDetails = Bodies["ItemDetails"];
export type ItemList = Bodies["ItemList"];
export type ItemSpeaker = Bodies["ItemSpeakerBody"];
export type ItemSpeakerList = Bodies["ItemSpeakerList"];
export type Key = Bodies["KeyBody"];
export type KeyList = Bodies["KeyList"];
export type MadeKey = Bodies["MadeKey"];
export type PlanList = Bodies["PlanList"];
export type Session = Bodies["SessionBody"];
export type SessionList = Bodies["SessionList"];
export type ProviderAddress = Bodies["ProviderAddress"];
export type SignedOut = Bodies["SignedOut"];
export type SignInWays = Bodies["SignInWays"];
export type Usage = Bodies["UsageBody"];
export type LibraryDetails = Bodies["LibraryDetails"];
export type LibraryList = Bodies["LibraryList"];
export type Problem = Bodies["Problem"];
export type Queue = Bodies["QueueBody"];
export type Replaced = Bodies["ReplacedBody"];
export type SearchAnswer = Bodies["SearchAnswer"];
export type SearchResult = Bodies["ResultBody"];
export type Segment = Bodies["SegmentBody"];
export type Speaker = Bodies["SpeakerBody"];
export type SpeakerList = Bodies["SpeakerList"];
export type Transcript = Bodies["TranscriptBody"];
export type Version = Bodies["VersionBody"];
export type VersionList = Bodies["VersionList"];
