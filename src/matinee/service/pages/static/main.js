// Everything here works without scripts; these modules spare the way back and forth.
import { watchRatings } from "./rating.js";
import { watchMarks } from "./marks.js";
import { watchRows } from "./rows.js";
import { watchForms } from "./live.js";
import { watchConnection } from "./connection.js";

watchRatings(document);
watchMarks(document);
watchRows(document);
watchForms(document);
watchConnection();
