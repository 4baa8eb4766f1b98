"""The 23 files of a HUD HMIS CSV export of fiscal year 2022: their columns, and how real exports write them.

Column names and their order are those of the public specification. Exports mix line ends, quote some headers and start
one file with a byte-order mark; the synthetic export does the same.
"""

from __future__ import annotations

_COLUMNS = {
    "Affiliation": """
        AffiliationID ProjectID ResProjectID DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Assessment": """
        AssessmentID EnrollmentID PersonalID AssessmentDate AssessmentLocation AssessmentType AssessmentLevel
        PrioritizationStatus DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "AssessmentQuestions": """
        AssessmentQuestionID AssessmentID EnrollmentID PersonalID AssessmentQuestionGroup AssessmentQuestionOrder
        AssessmentQuestion AssessmentAnswer DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "AssessmentResults": """
        AssessmentResultID AssessmentID EnrollmentID PersonalID AssessmentResultType AssessmentResult DateCreated
        DateUpdated UserID DateDeleted ExportID
    """,
    "Client": """
        PersonalID FirstName MiddleName LastName NameSuffix NameDataQuality SSN SSNDataQuality DOB DOBDataQuality
        AmIndAKNative Asian BlackAfAmerican NativeHIPacific White RaceNone Ethnicity Female Male NoSingleGender
        Transgender Questioning GenderNone VeteranStatus YearEnteredService YearSeparated WorldWarII KoreanWar
        VietnamWar DesertStorm AfghanistanOEF IraqOIF IraqOND OtherTheater MilitaryBranch DischargeStatus DateCreated
        DateUpdated UserID DateDeleted ExportID
    """,
    "CurrentLivingSituation": """
        CurrentLivingSitID EnrollmentID PersonalID InformationDate CurrentLivingSituation VerifiedBy
        LeaveSituation14Days SubsequentResidence ResourcesToObtain LeaseOwn60Day MovedTwoOrMore LocationDetails
        DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Disabilities": """
        DisabilitiesID EnrollmentID PersonalID InformationDate DisabilityType DisabilityResponse IndefiniteAndImpairs
        TCellCountAvailable TCellCount TCellSource ViralLoadAvailable ViralLoad ViralLoadSource AntiRetroviral
        DataCollectionStage DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "EmploymentEducation": """
        EmploymentEducationID EnrollmentID PersonalID InformationDate LastGradeCompleted SchoolStatus Employed
        EmploymentType NotEmployedReason DataCollectionStage DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Enrollment": """
        EnrollmentID PersonalID ProjectID EntryDate HouseholdID RelationshipToHoH LivingSituation LengthOfStay
        LOSUnderThreshold PreviousStreetESSH DateToStreetESSH TimesHomelessPastThreeYears MonthsHomelessPastThreeYears
        DisablingCondition DateOfEngagement MoveInDate DateOfPATHStatus ClientEnrolledInPATH ReasonNotEnrolled
        WorstHousingSituation PercentAMI LastPermanentStreet LastPermanentCity LastPermanentState LastPermanentZIP
        AddressDataQuality ReferralSource CountOutreachReferralApproaches DateOfBCPStatus EligibleForRHY
        ReasonNoServices RunawayYouth SexualOrientation SexualOrientationOther FormerWardChildWelfare
        ChildWelfareYears ChildWelfareMonths FormerWardJuvenileJustice JuvenileJusticeYears JuvenileJusticeMonths
        UnemploymentFam MentalHealthDisorderFam PhysicalDisabilityFam AlcoholDrugUseDisorderFam InsufficientIncome
        IncarceratedParent VAMCStation TargetScreenReqd TimeToHousingLoss AnnualPercentAMI LiteralHomelessHistory
        ClientLeaseholder HOHLeaseholder SubsidyAtRisk EvictionHistory CriminalRecord IncarceratedAdult
        PrisonDischarge SexOffender DisabledHoH CurrentPregnant SingleParent DependentUnder6 HH5Plus CoCPrioritized
        HPScreeningScore ThresholdScore DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "EnrollmentCoC": """
        EnrollmentCoCID EnrollmentID HouseholdID ProjectID PersonalID InformationDate CoCCode DataCollectionStage
        DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Event": """
        EventID EnrollmentID PersonalID EventDate Event ProbSolDivRRResult ReferralCaseManageAfter
        LocationCrisisOrPHHousing ReferralResult ResultDate DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Exit": """
        ExitID EnrollmentID PersonalID ExitDate Destination OtherDestination HousingAssessment SubsidyInformation
        ProjectCompletionStatus EarlyExitReason ExchangeForSex ExchangeForSexPastThreeMonths CountOfExchangeForSex
        AskedOrForcedToExchangeForSex AskedOrForcedToExchangeForSexPastThreeMonths WorkplaceViolenceThreats
        WorkplacePromiseDifference CoercedToContinueWork LaborExploitPastThreeMonths CounselingReceived
        IndividualCounseling FamilyCounseling GroupCounseling SessionCountAtExit PostExitCounselingPlan SessionsInPlan
        DestinationSafeClient DestinationSafeWorker PosAdultConnections PosPeerConnections PosCommunityConnections
        AftercareDate AftercareProvided EmailSocialMedia Telephone InPersonIndividual InPersonGroup CMExitReason
        DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Export": """
        ExportID SourceType SourceID SourceName SourceContactFirst SourceContactLast SourceContactPhone
        SourceContactExtension SourceContactEmail ExportDate ExportStartDate ExportEndDate SoftwareName
        SoftwareVersion CSVVersion ExportPeriodType ExportDirective HashStatus
    """,
    "Funder": """
        FunderID ProjectID Funder OtherFunder GrantID StartDate EndDate DateCreated DateUpdated UserID DateDeleted
        ExportID
    """,
    "HealthAndDV": """
        HealthAndDVID EnrollmentID PersonalID InformationDate DomesticViolenceVictim WhenOccurred CurrentlyFleeing
        GeneralHealthStatus DentalHealthStatus MentalHealthStatus PregnancyStatus DueDate LifeValue SupportFromOthers
        BounceBack FeelingFrequency DataCollectionStage DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "IncomeBenefits": """
        IncomeBenefitsID EnrollmentID PersonalID InformationDate IncomeFromAnySource TotalMonthlyIncome Earned
        EarnedAmount Unemployment UnemploymentAmount SSI SSIAmount SSDI SSDIAmount VADisabilityService
        VADisabilityServiceAmount VADisabilityNonService VADisabilityNonServiceAmount PrivateDisability
        PrivateDisabilityAmount WorkersComp WorkersCompAmount TANF TANFAmount GA GAAmount SocSecRetirement
        SocSecRetirementAmount Pension PensionAmount ChildSupport ChildSupportAmount Alimony AlimonyAmount
        OtherIncomeSource OtherIncomeAmount OtherIncomeSourceIdentify BenefitsFromAnySource SNAP WIC TANFChildCare
        TANFTransportation OtherTANF OtherBenefitsSource OtherBenefitsSourceIdentify InsuranceFromAnySource Medicaid
        NoMedicaidReason Medicare NoMedicareReason SCHIP NoSCHIPReason VAMedicalServices NoVAMedReason
        EmployerProvided NoEmployerProvidedReason COBRA NoCOBRAReason PrivatePay NoPrivatePayReason StateHealthIns
        NoStateHealthInsReason IndianHealthServices NoIndianHealthServicesReason OtherInsurance OtherInsuranceIdentify
        HIVAIDSAssistance NoHIVAIDSAssistanceReason ADAP NoADAPReason RyanWhiteMedDent NoRyanWhiteReason
        ConnectionWithSOAR DataCollectionStage DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Inventory": """
        InventoryID ProjectID CoCCode HouseholdType Availability UnitInventory BedInventory CHVetBedInventory
        YouthVetBedInventory VetBedInventory CHYouthBedInventory YouthBedInventory CHBedInventory OtherBedInventory
        ESBedType InventoryStartDate InventoryEndDate DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "Organization": """
        OrganizationID OrganizationName VictimServiceProvider OrganizationCommonName DateCreated DateUpdated UserID
        DateDeleted ExportID
    """,
    "Project": """
        ProjectID OrganizationID ProjectName ProjectCommonName OperatingStartDate OperatingEndDate ContinuumProject
        ProjectType HousingType ResidentialAffiliation TrackingMethod HMISParticipatingProject TargetPopulation
        HOPWAMedAssistedLivingFac PITCount DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "ProjectCoC": """
        ProjectCoCID ProjectID CoCCode Geocode Address1 Address2 City State ZIP GeographyType DateCreated DateUpdated
        UserID DateDeleted ExportID
    """,
    "Services": """
        ServicesID EnrollmentID PersonalID DateProvided RecordType TypeProvided OtherTypeProvided MovingOnOtherType
        SubTypeProvided FAAmount ReferralOutcome DateCreated DateUpdated UserID DateDeleted ExportID
    """,
    "User": """
        UserID UserFirstName UserLastName UserPhone UserExtension UserEmail DateCreated DateUpdated DateDeleted
        ExportID
    """,
    "YouthEducationStatus": """
        YouthEducationStatusID EnrollmentID PersonalID InformationDate CurrentSchoolAttend MostRecentEdStatus
        CurrentEdStatus DataCollectionStage DateCreated DateUpdated UserID DateDeleted ExportID
    """,
}

COLUMNS = {table: tuple(names.split()) for table, names in _COLUMNS.items()}
"""Table -> its columns in order."""

QUOTED_HEADER = frozenset({"Assessment", "AssessmentQuestions", "AssessmentResults", "YouthEducationStatus"})
WINDOWS_LINES = frozenset({"Project", "ProjectCoC", "Enrollment", "Services", "Disabilities", *QUOTED_HEADER})
BYTE_ORDER_MARK = frozenset({"HealthAndDV"})
