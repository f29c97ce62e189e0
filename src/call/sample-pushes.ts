/*
 * The two pushes of the vendor's article, as printed there: the end has a comma before its brace and a blank before
 * its URL.
 */

export const startSample = `{
"PLA_Call_Id":"1122334",
"PLA_Caller_Phone_Number":"+61444444444",
"PLA_Exchange":"abc",
"PLA_City":"abc",
"PLA_State":"abc",
"PLA_Number_Dialed":"0288889999",
"PLA_Dealer_ID":"abc",
"PLA_Dealer_Name":"abc",
"PLA_Dealer_Category":"abc",
"PLA_Search_Engine_Used":"abc",
"PLA_Search_Type":"abc",
"PLA_Keywords_Searched":"abc",
"PLA_URL":"abc",
"PLA_CID":"123",
"PLA_SESSID":"Cuei212417iiyskskiidfsikks",
"PLA_UAID":"123456.4567",
"PLA_CallStartTime":"00000001556755937003",
"PLA_Landing_Page":"https://www.delaconconcorp.com.au?gclid=C152ddsa12213123132",
"PLA_Page_Called_From":"https://www.delaconcorp.com/contact_us"
}`;

export const endSample = `{
"PLA_Call_Id":"1122334",
"PLA_CID":"123",
"PLA_Answering_Point":"029898989",
"PLA_CallResult":"Answered",
"PLA_Duration":"50s",
"PLA_VoicemailLeft":"Yes",
"PLA_SurveyOutcome":"Sale",
"PLA_SurveySaleAmount":"abc",
"PLA_Converted":"Y",
"PLA_dtmf":"1234",
"PLA_RecordingFile":" https://pla.delaconcorp.com......abc.wav",
}`;
